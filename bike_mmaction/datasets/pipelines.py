"""Change the data pipelines of a config: views, frames, size, file kind.

The shipped configs are variants of each other made with these functions, and
``tools/test.py --views`` calls one. They look for transforms by name, so any
config that has these transforms can be changed.
"""
import copy
import re
from typing import Dict, List, Optional, Sequence

from mmengine.config import ConfigDict

SPLITS = ('train', 'val', 'test')
CROPS = ('CenterCrop', 'ThreeCrop', 'SpacedThreeCrop')


def parse_views(views: str) -> tuple:
    """Read ``'4x3'``: 4 temporal clips times 3 spatial crops.

    Returns:
        tuple[int, int]: Clips and crops.

    Raises:
        ValueError: if it is not clips x crops, or the crops not 1 or 3.
    """
    found = re.fullmatch(r'([1-9]\d*)x([13])', str(views).strip().lower())
    if not found:
        raise ValueError(
            f'views={views!r} is not understood; write temporal clips x '
            'spatial crops, such as 1x1, 4x1 or 4x3 (crops: 1 or 3)')
    return int(found[1]), int(found[2])


def set_views(cfg, views: str) -> None:
    """Test with several views of each video.

    Args:
        cfg (Config | ConfigDict): Its ``test_dataloader`` and, if it is
            there, its ``test_pipeline`` are changed.
        views (str): See :func:`parse_views`.

    Raises:
        ValueError: if ``views`` is not understood, or the pipeline samples
            or crops in another way.
    """
    num_clips, num_crops = parse_views(views)
    _own_pipeline(cfg, 'test')
    for pipeline in _pipelines(cfg, 'test'):
        for transform in _find(pipeline, 'SparseSampleFrames'):
            transform['num_clips'] = num_clips
        for transform in _find(pipeline, *CROPS):
            transform['type'] = 'CenterCrop' if num_crops == 1 else \
                'SpacedThreeCrop'


def video_pipeline(cfg) -> Sequence[dict]:
    """The pipeline of a test on video files.

    Also where the config tests extracted frames, see :func:`use_rawframes`.

    Args:
        cfg (Config | ConfigDict): With ``test_pipeline``, or a
            ``test_dataloader``.
    """
    return cfg.get('test_pipeline') or own_dataset(cfg, 'test')['pipeline']


def views_of(pipeline: Sequence[dict]) -> Optional[str]:
    """The views of a pipeline, such as '4x3'; None where it does not tell."""
    by_type = {t['type']: t for t in pipeline}
    crops = [name for name in CROPS if name in by_type]
    if 'SparseSampleFrames' not in by_type or not crops:
        return None
    num_clips = by_type['SparseSampleFrames'].get('num_clips', 1)
    return f"{num_clips}x{1 if crops == ['CenterCrop'] else 3}"


def set_clip_len(cfg, clip_len: int) -> None:
    """Sample another number of frames per clip, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        clip_len (int): T, frames per clip.
    """
    for split in SPLITS:
        for pipeline in _pipelines(cfg, split):
            for transform in _find(pipeline, 'SparseSampleFrames'):
                transform['clip_len'] = clip_len


def set_image_size(cfg, image_size: int, short_side: int) -> None:
    """Feed larger or smaller images, in all three pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        image_size (int): Height and width of the crop, in pixels.
        short_side (int): To which videos are resized before, in pixels.
    """
    for split in SPLITS:
        for pipeline in _pipelines(cfg, split):
            for transform in _find(pipeline, 'Resize'):
                square = not transform.get('keep_ratio', True)
                transform['scale'] = (image_size, image_size) if square else \
                    (-1, short_side)
            if split != 'train':
                for transform in _find(pipeline, *CROPS):
                    transform['crop_size'] = image_size


def fold_frames(cfg) -> None:
    """Give images instead of clips to the model, for ``Recognizer2D``.

    The inputs are then [B, V·T, 3, H, W]; the head needs to know T, in
    ``num_segments``.

    Args:
        cfg (Config | ConfigDict): The config to change.
    """
    for split in SPLITS:
        for pipeline in _pipelines(cfg, split):
            for transform in _find(pipeline, 'FormatShape'):
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
        _find(dataset['pipeline'], 'DecordDecode', 'LoadAttributes')
        if dataset['type'] == 'VideoSegmentDataset':
            dataset['with_offset'] = True
        dataset['type'] = 'NamedFrameDataset' if '{video}' in template else \
            'RawframeDataset'
        dataset['filename_tmpl'] = template
        dataset['ann_file'] = dataset['ann_file'].replace(
            '_list_videos', '_list_rawframes')
        folder = dataset['data_prefix'].pop('video')
        dataset['data_prefix']['img'] = folder.replace('videos', 'rawframes')
        dataset['pipeline'] = [
            dict(type='RawFrameDecode') if t['type'] == 'DecordDecode' else t
            for t in dataset['pipeline']
            if t['type'] not in ('DecordInit', 'KeepSegment')
        ]


def use_attributes(cfg, ann_files: Dict[str, str], topk: int = 5) -> None:
    """Load the attributes of every video, beside its frames.

    Args:
        cfg (Config | ConfigDict): The config to change.
        ann_files (dict[str, str]): Attribute file by split: 'train', 'val',
            'test'. Splits that are left out stay as they are.
        topk (int): Attributes per video. Defaults to 5.
    """
    for split, ann_file in ann_files.items():
        _own_pipeline(cfg, split)
        for pipeline in _pipelines(cfg, split):
            pipeline.insert(
                0,
                ConfigDict(
                    type='LoadAttributes', ann_file=ann_file, topk=topk))
            for packing in _find(pipeline, 'PackActionInputs'):
                packing['algorithm_keys'] = ('attributes', )


def leave_out_video(cfg, splits: Sequence[str]) -> None:
    """Load attributes only: for the attributes branch alone.

    Args:
        cfg (Config | ConfigDict): The config to change.
        splits (Sequence[str]): Of 'train', 'val', 'test'.
    """
    for split in splits:
        _own_pipeline(cfg, split)
        for pipeline in _pipelines(cfg, split):
            kept = _find(pipeline, 'LoadAttributes', 'PackActionInputs')
            kept[-1]['collect_keys'] = ()
            pipeline[:] = kept


def own_dataset(cfg, split: str) -> dict:
    """The data set of a split, inside of those that only repeat or draw.

    Raises:
        ValueError: if the config has none with a pipeline.
    """
    name = f'{split}_dataloader'
    dataset = unwrapped(cfg.get(name) or {})
    if 'pipeline' not in dataset:
        raise ValueError(f"the config has no '{name}.dataset.pipeline'")
    return dataset


def unwrapped(config: dict) -> dict:
    """The innermost ``dataset`` of a loader or of a wrapper; {} if none."""
    dataset = config.get('dataset') or {}
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def _pipelines(cfg, split: str) -> List[list]:
    """The loader's pipeline, and the variable that the toolbox's APIs read."""
    own = own_dataset(cfg, split)['pipeline']
    variable = cfg.get(f'{split}_pipeline')
    return [own] if variable is None else [own, variable]


def _own_pipeline(cfg, split: str) -> None:
    """Part pipelines that several splits share."""
    dataset = own_dataset(cfg, split)
    dataset['pipeline'] = copy.deepcopy(dataset['pipeline'])
    if cfg.get(f'{split}_pipeline') is not None:
        cfg[f'{split}_pipeline'] = copy.deepcopy(cfg[f'{split}_pipeline'])


def _find(pipeline: List[dict], *types: str) -> List[dict]:
    found = [t for t in pipeline if t['type'] in types]
    if not found:
        raise ValueError(f"the pipeline has no {' or '.join(types)}, only "
                         f"{', '.join(str(t['type']) for t in pipeline)}")
    return found
