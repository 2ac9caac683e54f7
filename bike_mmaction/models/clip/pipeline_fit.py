"""Whether pipelines give the images that the weights of their model want.

Nothing is claimed where nothing is known: of weights that nothing is told of
(see :func:`.preprocessing_of`), of images that a transform of somebody else
makes, and of what a training does to images after it has cropped them at
random. Neither a short side above the size that is cropped (BIKE's 256 to
224) nor several crops are a misfit.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Optional

from mmaction.registry import TRANSFORMS

from ...datasets.views import CROPS
from .architectures import Arch, arch_name
from .preprocessing import SHORTEST, SQUASH, Preprocessing, preprocessing_of

PREPROCESSORS = ('ActionDataPreprocessor', 'OptionalVideoDataPreprocessor')
_RESIZES = ('Resize', 'AntialiasedResize')
_RANDOM = ('RandomCrop', 'RandomResizedCrop', 'MultiScaleCrop', 'RandomRescale')
_HIDDEN = ('TorchVisionWrapper', 'PytorchVideoWrapper', 'ImgAug')  # in libraries
_PACKAGES = ('mmaction', 'mmcv', 'mmengine', __name__.partition('.')[0])
_SHAPES = {*_RESIZES, *_RANDOM, *_HIDDEN, *CROPS, 'Normalize'}


class Wanted(NamedTuple):
    """What the image tower of a model wants.

    Attributes:
        arch (str | dict): Its architecture.
        pretrained (str): Its weights.
        images (Preprocessing): What they were trained on.
    """

    arch: Arch
    pretrained: str
    images: Preprocessing


def wanted_images(model: Any) -> Optional[Wanted]:
    """What the image tower in the config of a model wants; None if unknown."""
    backbone = (model.get('backbone') if isinstance(model, dict) else None) or {}
    arch, pretrained = backbone.get('arch'), backbone.get('pretrained')
    if _name(backbone) != 'CLIPImageEncoder' or not arch or not pretrained:
        return None
    images = preprocessing_of(arch, pretrained)
    return Wanted(arch, pretrained, images) if images else None


def misfits(cfg: Any, splits: Sequence[str]) -> str:
    """What does not fit in the pipelines of some splits.

    Args:
        cfg (Config): With ``model``, and data loaders.
        splits (Sequence[str]): Of 'train', 'val' and 'test'.

    Returns:
        str: One sentence that names all of it and the cure; '' if there is
        nothing.
    """
    pipelines = {}
    for split in splits:
        name = f'{split}_dataloader'
        for i, pipeline in enumerate(_pipelines(cfg.get(name) or {})):
            pipelines[f'{name}[{i}]' if i else name] = pipeline
    return misfits_of(cfg.get('model'), pipelines)


def misfits_of(model: Any, pipelines: Mapping[str, Sequence[dict]]) -> str:
    """As :func:`misfits`, of the pipelines by their names.

    Those whose name begins with 'train' are of a training.
    """
    wanted = wanted_images(model)
    if wanted is None:
        return ''
    options = model.get('data_preprocessor') or {}
    faults: dict[str, None] = {}
    for name, pipeline in pipelines.items():
        steps = [(_name(step), step) for step in pipeline]
        if any(kind.endswith('Decode') for kind, _ in steps):
            faults.update(dict.fromkeys(_of_colors(wanted.images, options, steps)))
            if all(map(_is_known, pipeline)):
                trains = name.startswith('train')
                each = _of_shapes(wanted.images, steps, trains)
                faults.update((f'{name}: {fault}', None) for fault in each)
    if not faults:
        return ''
    arch = arch_name(wanted.arch)
    cure = repr(wanted.arch) if isinstance(wanted.arch, str) else 'arch'
    return (
        f"the images do not fit the weights '{wanted.pretrained}' of arch={arch}, and "
        f'the model will be worse for it: {"; ".join(faults)}. In the config, '
        f'`use_clip(_base_, {cure}, {wanted.pretrained!r})` of bike_mmaction.recipes '
        'sets all of it'
    )


def warn_of_misfits(model: Any, pipeline: Sequence[dict]) -> None:
    """Warn where the pipeline of a test does not fit its model."""
    text = misfits_of(model, dict(test_pipeline=pipeline))
    if text:
        warnings.warn(text, stacklevel=3)


def refuse_misfits(model: Any, pipeline: Sequence[dict]) -> None:
    """Refuse what :func:`warn_of_misfits` warns of.

    Raises:
        ValueError: naming what does not fit, and both cures.
    """
    text = misfits_of(model, dict(test_pipeline=pipeline))
    if text:
        raise ValueError(
            f'{text}. If the model was trained with these images, so that they fit '
            'its checkpoint: model.backbone.pretrained=None in the config says so'
        )


def _name(step: Mapping) -> str:
    kind = step.get('type') or ''
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def _pipelines(part: Mapping) -> Iterator[Sequence[dict]]:
    """Of a loader, or of a data set inside of others."""
    if isinstance(part.get('pipeline'), (list, tuple)):
        yield part['pipeline']
    inner = part.get('dataset')
    for dataset in (inner, *(part.get('datasets') or ())):
        if isinstance(dataset, dict):
            yield from _pipelines(dataset)


def _is_known(step: Mapping) -> bool:
    """Whether it is known what a transform does to the shape of images."""
    name = _name(step)
    kind = None
    with suppress(Exception):  # other registries, which are not imported
        kind = TRANSFORMS.get(name)
    if kind is None or kind.__module__.partition('.')[0] not in _PACKAGES:
        return False
    inner = step.get('transforms') or ()
    inner = inner if isinstance(inner, (list, tuple)) else (inner,)
    return name not in _HIDDEN and all(
        isinstance(part, dict) and _name(part) not in _SHAPES for part in inner
    )


def _of_colors(
    wanted: Preprocessing, options: Mapping, steps: Sequence[tuple[str, Mapping]]
) -> Iterator[str]:
    """Mean and standard deviation, of the preprocessor or a transform."""
    place, given = 'model.data_preprocessor', options
    if options.get('to_rgb') and all(_is_known(step) for _, step in steps):
        yield f'{place}.to_rgb=True swaps red and blue, which are in order already'
    normalizing = [step for kind, step in steps if kind == 'Normalize']
    if normalizing:
        if len(normalizing) > 1 or options.get('mean') is not None:
            return  # whatever that means
        place, given = 'Normalize', normalizing[0]
    elif options.get('mean') is None:
        known = _name(options) in PREPROCESSORS or not options
        if known and all(_is_known(step) for _, step in steps):
            colors = f'mean={wanted.mean_of_pixels}, std={wanted.std_of_pixels}'
            yield f'{place} has no mean and std, but they want {colors}'
        return
    for key, fits, own in (
        ('mean', wanted.has_mean, wanted.mean_of_pixels),
        ('std', wanted.has_std, wanted.std_of_pixels),
    ):
        value = given.get(key)
        if isinstance(value, (list, tuple)) and len(value) == 3 and not fits(value):
            yield f'{place}.{key}={list(value)}, but they want {own}'


def _of_shapes(
    wanted: Preprocessing, steps: Sequence[tuple[str, Mapping]], trains: bool
) -> Iterator[str]:
    """Interpolation, resize mode and size of one pipeline."""
    at_random, cropped, size, squashes = False, False, None, []
    for kind, step in steps:
        if kind in _RESIZES:
            keeps = step.get('keep_ratio', True)
            size = None if keeps else _size(step.get('scale'))
            if not at_random and not cropped:  # then it is square already
                squashes.append(not keeps)
            yield from _of_resize(wanted, kind, step, at_random)
        elif kind in _RANDOM:
            at_random = True
            size = _size(step.get('size', step.get('input_size')))
        elif kind in CROPS:
            cropped = True
            size = _size(step.get('crop_size'))
    if squashes and not trains and wanted.resize_mode in (SHORTEST, SQUASH):
        height, width = wanted.size
        if wanted.resize_mode == SQUASH and not any(squashes):
            yield (
                'the resize keeps the ratio of the sides, but they want all of the '
                f'image, squashed to {width}x{height} (keep_ratio=False)'
            )
        if wanted.resize_mode == SHORTEST and any(squashes):
            yield (
                'the resize squashes images (keep_ratio=False), but they want the '
                'ratio of the sides kept, and the middle cropped'
            )
    if size not in (None, wanted.size):
        yield 'images of {1}x{0} pixels, but they want {3}x{2}'.format(
            *size, *wanted.size
        )


def _of_resize(
    wanted: Preprocessing, kind: str, step: Mapping, at_random: bool
) -> Iterator[str]:
    if kind == 'Resize':
        yield (
            "MMAction2's Resize has no antialiasing, but they want "
            f"AntialiasedResize with interpolation='{wanted.interpolation}'"
        )
    elif not at_random:
        given = step.get('interpolation', 'bicubic')
        if given != wanted.interpolation:
            yield (
                f"{kind} with interpolation='{given}', but they want "
                f"'{wanted.interpolation}'"
            )


def _size(given: Any) -> Optional[tuple[int, int]]:
    """Height and width, of what transforms have as one number or (w, h)."""
    if isinstance(given, int):
        return given, given
    is_pair = isinstance(given, (list, tuple)) and len(given) == 2
    return (given[1], given[0]) if is_pair else None
