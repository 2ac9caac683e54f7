"""Turn a config for Kinetics-400 into one for another data set or protocol."""

from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.catalog import DatasetInfo, find_dataset
from ..datasets.pipelines import SPLITS, own_dataset
from ..evaluation.zero_shot_metric import EVALUATORS


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
    _use_lists(cfg, info, split, parts)
    cfg.val_evaluator = [ConfigDict(type=metric) for metric in info.metrics]
    cfg.test_evaluator = cfg.val_evaluator


def _use_lists(
    cfg, info: DatasetInfo, split: Optional[int], parts: dict[str, str]
) -> None:
    """Read the parts of a data set, by loader, and know its classes."""
    cfg.data_root = info.data_root
    cfg.filename_tmpl = info.frames
    for key in ('cls_head', 'attributes_head'):
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
        _use_segments(dataset, part == 'train' and info.segments)
        for key in ('multi_class', 'num_classes'):  # of the one before
            dataset.pop(key, None)
        if part == 'val' and info.multi_label:
            dataset.update(multi_class=True, num_classes=info.num_classes)
        drawing = cfg[f'{loader}_dataloader']['dataset']
        if drawing['type'] == 'FewShotDataset':
            drawing['num_classes'] = info.num_classes


def _use_segments(dataset: dict, segments: bool) -> None:
    """Read segments of videos, or whole videos, whatever was read before."""
    if segments:
        dataset['type'] = 'VideoSegmentDataset'
    elif dataset['type'] == 'VideoSegmentDataset':
        dataset['type'] = 'VideoDataset'
    pipeline = []
    for transform in dataset['pipeline']:
        if transform['type'] != 'KeepSegment':
            pipeline.append(transform)
        if segments and transform['type'] == 'DecordInit':
            pipeline.append(ConfigDict(type='KeepSegment'))
    dataset['pipeline'] = pipeline


def few_shot(cfg, shots: int, seed: int = 0) -> None:
    """Train on a few videos of each class (Table 4).

    As the authors did, training begins with CLIP's own weights and has
    nothing beside them: ``load_from`` and the neck, the temporal transformer,
    are taken out. What is drawn is written to ``few_shot_list.txt`` in the
    run's folder.

    Args:
        cfg (Config | ConfigDict): The config to change.
        shots (int): K, videos per class.
        seed (int): Of the draw; ``train_dataloader.dataset.seed`` of the
            config. Defaults to 0.
    """
    cfg.model['neck'] = None
    cfg.load_from = None
    loader = cfg.train_dataloader
    dataset = loader['dataset']
    if dataset['type'] == 'FewShotDataset':  # other shots than before
        dataset = dataset['dataset']
    loader['dataset'] = ConfigDict(
        type='FewShotDataset',
        dataset=dataset,
        shots=shots,
        seed=seed,
        num_classes=cfg.model['cls_head']['num_classes'],
    )
    writing = ConfigDict(type='WriteFewShotList')
    hooks = cfg.get('custom_hooks') or []
    cfg.custom_hooks = hooks if writing in hooks else [*hooks, writing]


def zero_shot(
    cfg, name: str, split: Optional[int] = None, evaluator: str = 'video'
) -> None:
    """Only test, on a data set that the model was not trained on (Table 5).

    Args:
        cfg (Config | ConfigDict): The config to change.
        name (str): As in :func:`use_dataset`.
        split (int, optional): As in :func:`use_dataset`. Without it, all
            videos of UCF-101, HMDB-51 and ActivityNet are tested, as
            published; with it, the test part of the split.
        evaluator (str): What votes for the class of a video: its 'frames',
            as the authors measured on UCF-101, HMDB-51 and ActivityNet (the
            temporal transformer is left out), or the whole 'video' branch.
            Defaults to 'video'.

    Raises:
        ValueError: as :func:`use_dataset`, or for an unknown evaluator.
    """
    if evaluator not in EVALUATORS:
        raise ValueError(f'evaluator={evaluator!r}; choose from {tuple(EVALUATORS)}')
    info = find_dataset(name)
    whole = split is None and 'full' in info.parts
    _use_lists(cfg, info, split, dict(test='full' if whole else info.tested))
    if evaluator == 'frames':
        cfg.model['neck'] = None
        cfg.model['optional'] = ['neck.']
    cfg.model['cls_head']['keep_scores'] = True
    cfg.test_evaluator = [ConfigDict(type='ZeroShotMetric', evaluator=evaluator)]
    for key in (
        'train_dataloader',
        'train_cfg',
        'optim_wrapper',
        'param_scheduler',
        'val_dataloader',
        'val_cfg',
        'val_evaluator',
    ):
        cfg[key] = None
