"""Which views of a video a test sees."""

from ..datasets.pipeline_access import (
    all_pipelines,
    find_transforms,
    part_pipelines,
    pipelines_of,
)
from ..datasets.views import CROP_OF, CROPS, DENSE, SPARSE, parse_views


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
    num_clips, num_crops, dense = parse_views(views)
    part_pipelines(cfg, 'test')
    for pipeline in pipelines_of(cfg, 'test'):
        for transform in find_transforms(pipeline, SPARSE, DENSE):
            _sample(transform, dense)
            transform['num_clips'] = num_clips
        for transform in find_transforms(pipeline, *CROPS):
            transform['type'] = CROP_OF[num_crops]


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
