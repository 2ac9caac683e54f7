"""Which views of a video a test sees."""

from ..datasets.pipeline_access import (
    all_pipelines,
    find_transforms,
    part_pipelines,
    pipelines_of,
)
from ..datasets.views import CROP_OF, CROPS, DENSE, SPARSE, parse_views
from .images import CROP_RATIO


def set_views(cfg, views: str) -> None:
    """Test with several views of each video.

    Args:
        cfg (Config | ConfigDict): Its ``test_dataloader`` and, if it is
            there, its ``test_pipeline`` are changed.
        views (str): See :func:`parse_views`.

    Raises:
        ValueError: if ``views`` is not understood, the pipeline samples or
            crops in another way, or all crops would be the same: where images
            are squashed to the size that is cropped, as SigLIP wants them.
    """
    num_clips, num_crops, dense = parse_views(views)
    if num_crops > 1:
        _check_room(cfg, views)
    part_pipelines(cfg, 'test')
    for pipeline in pipelines_of(cfg, 'test'):
        for transform in find_transforms(pipeline, SPARSE, DENSE):
            _sample(transform, dense)
            transform['num_clips'] = num_clips
        for transform in find_transforms(pipeline, *CROPS):
            transform['type'] = CROP_OF[num_crops]


def _check_room(cfg, views: str) -> None:
    """Refuse several crops of images that have the size of one."""
    for pipeline in pipelines_of(cfg, 'test'):
        squashed = [t for t in pipeline if not t.get('keep_ratio', True)]
        for crop in find_transforms(pipeline, *CROPS):
            size = crop['crop_size']
            size = (size, size) if isinstance(size, int) else tuple(size)
            if squashed and size == tuple(squashed[-1].get('scale') or ()):
                clips, tail = views.split('x')[0], 'd' * views.endswith('d')
                larger = round(max(size) * CROP_RATIO)
                raise ValueError(
                    f'views={views!r}: all crops would be the same, as images are '
                    f'squashed to {size[0]}x{size[1]} pixels, of which nothing is cut '
                    f"off: take '{clips}x1{tail}', or more pixels by "
                    f'use_clip(..., short_side={larger})'
                )


def use_dense_sampling(cfg, sample_range: int = 64) -> None:
    """Sample clips from parts of the video, in all three pipelines.

    A model trained so is tested with dense views, such as ``10x3d``.

    Args:
        cfg (Config | ConfigDict): The config to change.
        sample_range (int): Frames of the video that a clip covers. Defaults
            to 64, as TSM has it; the authors' code has 128.
    """
    for _, pipeline in all_pipelines(cfg):
        for transform in find_transforms(pipeline, SPARSE, DENSE):
            _sample(transform, True)
            transform['sample_range'] = sample_range


def _sample(transform: dict, dense: bool) -> None:
    transform['type'] = DENSE if dense else SPARSE
    if not dense:
        transform.pop('sample_range', None)
