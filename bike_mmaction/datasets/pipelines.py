"""Change the data pipelines of a config: views, frames, size, file kind.

The shipped configs are variants of each other made with these functions, and
``tools/test.py --views`` calls one. They look for transforms by name, so any
config that has these transforms can be changed.
"""

from collections.abc import Sequence
from typing import Optional

from mmengine.config import ConfigDict

from .pipeline_access import (
    SPLITS,
    all_pipelines,
    find_transforms,
    own_dataset,
    part_pipelines,
    pipelines_of,
    unwrapped,
)
from .views import (
    CROPS,
    DENSE,
    SPARSE,
    Views,
    parse_views,
    set_views,
    use_dense_sampling,
    views_of,
)

__all__ = [
    'CROPS',
    'SPLITS',
    'Views',
    'fold_frames',
    'leave_out_video',
    'own_dataset',
    'parse_views',
    'repeat_augmentation',
    'set_clip_len',
    'set_image_size',
    'set_views',
    'unwrapped',
    'use_attributes',
    'use_dense_sampling',
    'use_rawframes',
    'use_resize',
    'video_pipeline',
    'views_of',
]

RESIZES = {'mmcv': 'Resize', 'antialiased': 'AntialiasedResize'}


def video_pipeline(cfg) -> Sequence[dict]:
    """The pipeline of a test on video files.

    Also where the config tests extracted frames, see :func:`use_rawframes`.

    Args:
        cfg (Config | ConfigDict): With ``test_pipeline``, or a
            ``test_dataloader``.
    """
    return cfg.get('test_pipeline') or own_dataset(cfg, 'test')['pipeline']


def set_clip_len(cfg, clip_len: int) -> None:
    """Sample another number of frames per clip, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        clip_len (int): T, frames per clip.
    """
    for _, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, SPARSE, DENSE):
            transform['clip_len'] = clip_len


def set_image_size(cfg, image_size: int, short_side: int) -> None:
    """Feed larger or smaller images, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        image_size (int): Height and width of the crop, in pixels.
        short_side (int): To which videos are resized before, in pixels.
    """
    for split, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, *RESIZES.values()):
            transform['scale'] = (
                (image_size, image_size) if _is_square(transform) else (-1, short_side)
            )
        if split != 'train':
            for transform in find_transforms(pipeline, *CROPS):
                transform['crop_size'] = image_size


def use_resize(cfg, kind: str) -> None:
    """Resize images as a backbone was trained, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        kind (str): 'antialiased', as CLIP and most image models were trained:
            bicubic, and the training crop bilinear. 'mmcv', as the toolbox
            trains its models: bilinear without antialiasing.

    Raises:
        ValueError: for another kind.
    """
    if kind not in RESIZES:
        raise ValueError(f'kind={kind!r}; choose from {tuple(RESIZES)}')
    for _, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, *RESIZES.values()):
            bicubic = kind == 'antialiased' and not _is_square(transform)
            transform['type'] = RESIZES[kind]
            transform['interpolation'] = 'bicubic' if bicubic else 'bilinear'


def _is_square(transform: dict) -> bool:
    return not transform.get('keep_ratio', True)


def fold_frames(cfg) -> None:
    """Give images instead of clips to the model, for ``Recognizer2D``.

    The inputs are then [B, V·T, 3, H, W]; the head needs to know T, in
    ``num_segments``.

    Args:
        cfg (Config | ConfigDict): The config to change.
    """
    for _, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, 'FormatShape'):
            transform['input_format'] = 'NCHW'
    cfg.model['data_preprocessor']['format_shape'] = 'NCHW'


def use_rawframes(cfg, filename_tmpl: Optional[str] = None) -> None:
    """Read extracted frames instead of video files.

    Paths change as the toolbox names them: ``videos_train`` to
    ``rawframes_train``, ``..._list_videos.txt`` to ``..._list_rawframes.txt``.
    The variable ``test_pipeline`` stays that of video files, for the
    toolbox's inference API.

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
        find_transforms(dataset['pipeline'], 'DecordDecode', 'LoadAttributes')
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
            dict(type='RawFrameDecode') if t['type'] == 'DecordDecode' else t
            for t in dataset['pipeline']
            if t['type'] not in ('DecordInit', 'KeepSegment')
        ]


def use_attributes(cfg, ann_files: dict[str, str], topk: int = 5) -> None:
    """Load the attributes of every video, beside its frames.

    Args:
        cfg (Config | ConfigDict): The config to change.
        ann_files (dict[str, str]): Attribute file by split: 'train', 'val',
            'test'. Splits that are left out stay as they are.
        topk (int): Attributes per video. Defaults to 5.
    """
    for split, ann_file in ann_files.items():
        part_pipelines(cfg, split)
        for pipeline in pipelines_of(cfg, split):
            pipeline.insert(
                0, ConfigDict(type='LoadAttributes', ann_file=ann_file, topk=topk)
            )
            for packing in find_transforms(pipeline, 'PackActionInputs'):
                packing['algorithm_keys'] = ('attributes',)


def leave_out_video(cfg, splits: Sequence[str]) -> None:
    """Load attributes only: for the attributes branch alone.

    Args:
        cfg (Config | ConfigDict): The config to change.
        splits (Sequence[str]): Of 'train', 'val', 'test'.
    """
    for split in splits:
        part_pipelines(cfg, split)
        for pipeline in pipelines_of(cfg, split):
            kept = find_transforms(pipeline, 'LoadAttributes', 'PackActionInputs')
            kept[-1]['collect_keys'] = ()
            pipeline[:] = kept


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
            ConfigDict(
                type='RepeatSample', num_repeats=num_repeats, transforms=repeated
            )
        ]
    cfg.train_dataloader['collate_fn'] = ConfigDict(collate)
