"""The size of images, and how they are resized and given to a model."""

from collections.abc import Iterator
from typing import Optional, Union

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import VIDEO_DECODES, all_pipelines, find_transforms
from ..datasets.views import CROP_OF, CROPS
from ..models.clip.preprocessing import RESIZE_MODES, SHORTEST, SQUASH, Preprocessing

RESIZES = {'mmcv': 'Resize', 'antialiased': 'AntialiasedResize'}
RANDOM_CROPS = {'RandomCrop': 'size', 'MultiScaleCrop': 'input_size'}
DECODES = ('RawFrameDecode', *VIDEO_DECODES)  # which give red, green and blue
CROP_RATIO = 256 / 224  # the authors' short side to the size that is cropped


def set_image_size(
    cfg, image_size: Union[int, tuple[int, int]], short_side: int
) -> None:
    """Feed larger or smaller images, in all pipelines that read images.

    Args:
        cfg (Config | ConfigDict): The config to change.
        image_size (int | tuple[int, int]): Height and width of the crop, in
            pixels.
        short_side (int): To which videos are resized before, in pixels.
    """
    for split, pipeline in image_pipelines(cfg):
        for transform in find_transforms(pipeline, *RESIZES.values()):
            transform['scale'] = (
                _width_height(image_size) if _is_square(transform) else (-1, short_side)
            )
        if split != 'train':
            for transform in find_transforms(pipeline, *CROPS):
                transform['crop_size'] = _crop_size(image_size)


def _width_height(size: Union[int, tuple[int, int]]) -> tuple[int, int]:
    """As transforms have it, of one number or height and width."""
    return (size, size) if isinstance(size, int) else (size[1], size[0])


def _crop_size(size: Union[int, tuple[int, int]]) -> Union[int, tuple[int, int]]:
    width, height = _width_height(size)
    return height if width == height else (width, height)


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


def set_preprocessing(
    cfg, images: Preprocessing, short_side: Optional[int] = None
) -> None:
    """Prepare images as the weights of a model want them, in all pipelines.

    Size, interpolation and resize mode, and mean and standard deviation. Of a
    training, only what makes no augmentation; pipelines that read no images
    stay.

    Args:
        cfg (Config | ConfigDict): The config to change.
        images (Preprocessing): What the weights want.
        short_side (int, optional): To which tests resize before they crop;
            where images are squashed, both sides. Defaults to None: the size
            itself, so that nothing is cut off from a square one.

    Raises:
        ValueError: if ``short_side`` is below the size, or the resize mode is
            none that the transforms have.
    """
    _check(images, short_side)
    for split, pipeline in image_pipelines(cfg):
        for transform in find_transforms(pipeline, *RESIZES.values()):
            transform['type'] = RESIZES['antialiased']
            transform['interpolation'] = images.interpolation
        if split == 'train':
            _resize_in_training(pipeline, images, short_side)
        else:
            _resize_in_tests(pipeline, images, short_side)
    _normalize(cfg, images)


def _check(images: Preprocessing, short_side: Optional[int]) -> None:
    if images.resize_mode not in (SHORTEST, SQUASH):
        raise ValueError(
            f'resize_mode={images.resize_mode!r}: of {RESIZE_MODES} only {SHORTEST!r} '
            f'and {SQUASH!r} can be had here'
        )
    if short_side is not None and short_side < max(images.size):
        raise ValueError(
            f'short_side={short_side} is less than the size of the images, '
            f'{max(images.size)}'
        )


def image_pipelines(cfg) -> Iterator[tuple]:
    """Of :func:`.all_pipelines`, those that decode images."""
    for split, pipeline in all_pipelines(cfg):
        if any(map(_decodes, pipeline)):
            yield split, pipeline


def _decodes(step: dict) -> bool:
    return str(step['type']).endswith('Decode')


def _resize_in_training(
    pipeline: list[dict], images: Preprocessing, short_side: Optional[int]
) -> None:
    """Larger before what is cropped at random, and in the end the size."""
    larger = short_side or round(min(images.size) * CROP_RATIO)
    for transform in find_transforms(pipeline, *RESIZES.values()):
        transform['scale'] = (
            _width_height(images.size) if _is_square(transform) else (-1, larger)
        )
    for step in pipeline:
        if step['type'] in RANDOM_CROPS:
            step[RANDOM_CROPS[step['type']]] = images.size[0]
        elif step['type'] in CROPS:
            step['crop_size'] = _crop_size(images.size)


def _resize_in_tests(
    pipeline: list[dict], images: Preprocessing, short_side: Optional[int]
) -> None:
    squash = images.resize_mode == SQUASH
    resizes = find_transforms(pipeline, *RESIZES.values())
    for transform in resizes:
        if squash:
            transform['scale'] = _width_height(short_side or images.size)
            transform['keep_ratio'] = False
        else:
            transform['scale'] = (-1, short_side or max(images.size))
            transform.pop('keep_ratio', None)
    crops = [step for step in pipeline if step['type'] in CROPS]
    if not crops:
        crops = [ConfigDict(type=CROP_OF[1])]
        pipeline.insert(pipeline.index(resizes[-1]) + 1, crops[0])
    for crop in crops:
        crop['crop_size'] = _crop_size(images.size)
        if squash and not short_side:  # all crops would be the same
            crop['type'] = CROP_OF[1]


def _normalize(cfg, images: Preprocessing) -> None:
    """In the preprocessor; or where a transform does it instead."""
    colors = dict(mean=images.mean_of_pixels, std=images.std_of_pixels)
    steps = [step for _, pipeline in all_pipelines(cfg) for step in pipeline]
    normalizing = [step for step in steps if step['type'] == 'Normalize']
    for step in normalizing:
        step.update(colors)
    if not normalizing:
        if not cfg.model.get('data_preprocessor'):
            cfg.model['data_preprocessor'] = ConfigDict(
                type='ActionDataPreprocessor', format_shape='NCTHW'
            )
        cfg.model['data_preprocessor'].update(colors)
    if all(step['type'] in DECODES for step in steps if _decodes(step)):
        (cfg.model.get('data_preprocessor') or {}).pop('to_rgb', None)


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
