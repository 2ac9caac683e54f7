"""Which frames a clip has, and where they are read."""

from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import (
    SPLITS,
    VIDEO_DECODES,
    VIDEO_INITS,
    all_pipelines,
    find_transforms,
    own_dataset,
    part_pipelines,
    pipelines_of,
)
from ..datasets.views import DENSE, SPARSE


def set_clip_len(cfg, clip_len: int) -> None:
    """Sample another number of frames per clip, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        clip_len (int): T, frames per clip.
    """
    for _, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, SPARSE, DENSE):
            transform['clip_len'] = clip_len


def use_rawframes(cfg, filename_tmpl: Optional[str] = None) -> None:
    """Read extracted frames instead of video files.

    Paths change as MMAction2 names them: ``videos_train`` to
    ``rawframes_train``, ``..._list_videos.txt`` to ``..._list_rawframes.txt``.
    The variable ``test_pipeline`` stays that of video files, for
    MMAction2's inference API.

    Args:
        cfg (Config | ConfigDict): The config to change.
        filename_tmpl (str, optional): Name of frame number i, maybe with
            '{video}' for the name of the folder. Defaults to the variable
            ``filename_tmpl`` of the config, or else 'img_{:05}.jpg'.
    """
    template = filename_tmpl or cfg.get('filename_tmpl', 'img_{:05}.jpg')
    for split in SPLITS:
        if cfg.get(f'{split}_dataloader') is None:
            continue  # the config only tests
        dataset = own_dataset(cfg, split)
        find_transforms(dataset['pipeline'], *VIDEO_DECODES, 'LoadAttributes')
        if dataset['type'] == 'VideoSegmentDataset':
            dataset['with_offset'] = True
        dataset['type'] = (
            'NamedFrameDataset' if '{video}' in template else 'RawframeDataset'
        )
        dataset['filename_tmpl'] = template
        dataset['ann_file'] = dataset['ann_file'].replace(
            '_list_videos', '_list_rawframes'
        )
        folder = dataset['data_prefix'].pop('video')
        dataset['data_prefix']['img'] = folder.replace('videos', 'rawframes')
        dataset['pipeline'] = [
            dict(type='RawFrameDecode') if t['type'] in VIDEO_DECODES else t
            for t in dataset['pipeline']
            if t['type'] not in (*VIDEO_INITS, 'KeepSegment')
        ]


def repeat_augmentation(cfg, num_repeats: int) -> None:
    """Train on several samples of each video in a batch.

    The frames of a video are read once; crop, flip and gray are drawn for
    each sample, as the authors' code has it. A batch then has ``batch_size``
    videos and ``batch_size`` x ``num_repeats`` samples. Call it last.

    Args:
        cfg (Config | ConfigDict): The config to change.
        num_repeats (int): Samples of each video.

    Raises:
        ValueError: if its training decodes no frames, puts batches together
            in a way of its own, or ``num_repeats`` is not positive.
    """
    if num_repeats < 1:
        raise ValueError(f'num_repeats={num_repeats} must be positive')
    collate = dict(type='repeat_pseudo_collate')
    if cfg.train_dataloader.get('collate_fn', collate) != collate:
        raise ValueError(
            'repeated augmentation needs train_dataloader.'
            f'collate_fn={collate}, but the config has '
            f'{dict(cfg.train_dataloader.collate_fn)}'
        )
    part_pipelines(cfg, 'train')
    for pipeline in pipelines_of(cfg, 'train'):
        _repeat_after_decoding(pipeline, num_repeats)
    cfg.train_dataloader['collate_fn'] = ConfigDict(collate)


def _repeat_after_decoding(pipeline: list, num_repeats: int) -> None:
    """Put all that follows the decoding into one ``RepeatSample``."""
    decoding = [t for t in pipeline if t['type'].endswith('Decode')]
    if not decoding:
        raise ValueError(
            'repeated augmentation needs a training pipeline that decodes frames'
        )
    first = pipeline.index(decoding[-1]) + 1
    repeated = pipeline[first:]
    if repeated[0]['type'] == 'RepeatSample':
        repeated = repeated[0]['transforms']
    pipeline[first:] = [
        ConfigDict(type='RepeatSample', num_repeats=num_repeats, transforms=repeated)
    ]
