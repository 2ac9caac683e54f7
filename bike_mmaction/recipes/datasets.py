"""Another data set: its lists, folders, classes and metrics."""

from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.catalog import DatasetInfo, find_dataset
from ..datasets.class_names import HEADS
from ..datasets.pipeline_access import SPLITS, VIDEO_INITS, own_dataset


def use_dataset(cfg, name: str, split: Optional[int] = None) -> None:
    """Train and test on another data set.

    Args:
        cfg (Config | ConfigDict): The config to change, one of video files.
        name (str): See :data:`bike_mmaction.datasets.catalog.CATALOG`.
        split (int, optional): Number of the official split, where the data
            set has several.

    Raises:
        ValueError: if there is no such data set or split, or the config reads
            extracted frames.
    """
    info = find_dataset(name)
    parts = {loader: 'train' if loader == 'train' else info.tested for loader in SPLITS}
    use_lists(cfg, info, split, parts)
    cfg.val_evaluator = [ConfigDict(type=metric) for metric in info.metrics]
    cfg.test_evaluator = cfg.val_evaluator


def use_lists(
    cfg, info: DatasetInfo, split: Optional[int], parts: dict[str, str]
) -> None:
    """Read the parts of a data set, by loader, and know its classes."""
    cfg.data_root = info.data_root
    cfg.filename_tmpl = info.frames
    for key in HEADS:
        if key in cfg.model:
            cfg.model[key].update(
                num_classes=info.num_classes, class_names=info.classes(split)
            )
    for loader, part in parts.items():
        if part not in info.parts:
            continue
        dataset = own_dataset(cfg, loader)
        if 'video' not in dataset['data_prefix']:
            raise ValueError(
                f'{loader}_dataloader has a {dataset["type"]}, which reads no '
                'video files: begin with the config of video files, and call '
                'use_rawframes last'
            )
        dataset['ann_file'] = f'{info.data_root}/{info.list_name(part, split)}'
        dataset['data_prefix'] = ConfigDict(
            video=f'{info.data_root}/{info.folder(part)}'
        )
        use_segments(dataset, part == 'train' and info.segments)
        for key in ('multi_class', 'num_classes'):  # of the one before
            dataset.pop(key, None)
        if part == 'val' and info.multi_label:
            dataset.update(multi_class=True, num_classes=info.num_classes)
        drawing = cfg[f'{loader}_dataloader']['dataset']
        if drawing['type'] == 'FewShotDataset':
            drawing['num_classes'] = info.num_classes


def use_segments(dataset: dict, segments: bool) -> None:
    """Read segments of videos, or whole videos, whatever was read before."""
    if segments:
        dataset['type'] = 'VideoSegmentDataset'
    elif dataset['type'] == 'VideoSegmentDataset':
        dataset['type'] = 'VideoDataset'
    pipeline = []
    for transform in dataset['pipeline']:
        if transform['type'] != 'KeepSegment':
            pipeline.append(transform)
        if segments and transform['type'] in VIDEO_INITS:
            pipeline.append(ConfigDict(type='KeepSegment'))
    dataset['pipeline'] = pipeline
