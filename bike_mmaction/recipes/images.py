"""The size of images, and how they are resized and given to a model."""

from ..datasets.pipeline_access import all_pipelines, find_transforms
from ..datasets.views import CROPS

RESIZES = {'mmcv': 'Resize', 'antialiased': 'AntialiasedResize'}


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
            bicubic, and the training crop bilinear. 'mmcv', as MMAction2
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
