"""What images the weights of a CLIP were trained on, and want to be given."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np
from open_clip.transform import PreprocessCfg, merge_preprocess_dict

from .architectures import Arch, get_arch
from .weight_files import AboutWeights, about_weights

SHORTEST, SQUASH = 'shortest', 'squash'
RESIZE_MODES = (SHORTEST, 'longest', SQUASH)  # open_clip's
# open_clip takes 'random' for bicubic, but in its training.
INTERPOLATIONS = dict(bicubic='bicubic', bilinear='bilinear', random='bicubic')
DEFAULT_SIZE = 224  # open_clip's default of vision_cfg.image_size


class Preprocessing(NamedTuple):
    """What images some weights want.

    Attributes:
        size (tuple[int, int]): Height and width in pixels.
        mean (tuple[float, ...]): Of red, green and blue, from 0 to 1.
        std (tuple[float, ...]): The same of their standard deviation.
        interpolation (str): 'bicubic' or 'bilinear', both with antialiasing.
        resize_mode (str): 'shortest': the short side gets the size, and the
            middle is cropped; 'squash': both sides get it, whatever they were;
            'longest': the long side gets it, and the rest is filled.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str

    @property
    def mean_of_pixels(self) -> list[float]:
        """From 0 to 255, as ``data_preprocessor`` has it."""
        return _of_pixels(self.mean)

    @property
    def std_of_pixels(self) -> list[float]:
        """From 0 to 255, as ``data_preprocessor`` has it."""
        return _of_pixels(self.std)

    def has_mean(self, mean: Sequence[float]) -> bool:
        """Whether a mean of pixels is this one, as far as anybody writes it."""
        return np.allclose(mean, self.mean_of_pixels, rtol=0, atol=0.5)

    def has_std(self, std: Sequence[float]) -> bool:
        """The same of a standard deviation."""
        return np.allclose(std, self.std_of_pixels, rtol=0.01, atol=0)


def _of_pixels(values: Sequence[float]) -> list[float]:
    return [round(255 * value, 3) for value in values]


def image_size(arch: Arch) -> tuple[int, int]:
    """Height and width of the images that an image tower takes."""
    size = get_arch(arch)['vision_cfg'].get('image_size', DEFAULT_SIZE)
    sides = [size] if isinstance(size, int) else list(size)
    return sides[0], sides[-1]


def preprocessing_of(
    arch: Arch, pretrained: Optional[str], fetch: bool = False
) -> Optional[Preprocessing]:
    """What images some weights want, as ``open_clip`` would prepare them.

    Args:
        arch (str | dict): See :func:`.get_arch`.
        pretrained (str, optional): See :func:`.find_weights`.
        fetch (bool): Whether to ask the Hub, for a repository whose config is
            not at hand. Defaults to False: what it says is not known then.

    Returns:
        Preprocessing | None: None where nothing tells it: random weights, and
        files without an ``open_clip_config.json`` beside them, but for
        OpenAI's archives.

    Raises:
        ValueError: if such a file is not of open_clip; names file and key.
    """
    about = about_weights(arch, pretrained, fetch) if pretrained else None
    if about is None:
        return None
    told = merge_preprocess_dict(PreprocessCfg(), about.images)
    return Preprocessing(
        image_size(arch),
        _colors(about, 'mean', told['mean']),
        _colors(about, 'std', told['std']),
        INTERPOLATIONS[_choice(about, 'interpolation', told, tuple(INTERPOLATIONS))],
        _choice(about, 'resize_mode', told, RESIZE_MODES),
    )


def _colors(about: AboutWeights, key: str, value: Any) -> tuple[float, ...]:
    """Three numbers; one alone is of all colors."""
    colors = [value] * 3 if isinstance(value, (int, float)) else value
    is_list = isinstance(colors, (list, tuple)) and len(colors) == 3
    least = 0 if key == 'mean' else 1e-6  # of colors from 0 to 1
    if not is_list or not all(
        isinstance(c, (int, float)) and least <= c <= 1 for c in colors
    ):
        raise ValueError(
            f'{about.source}: preprocess_cfg.{key}={value!r}, expected three numbers '
            f'from {least} to 1'
        )
    return tuple(float(color) for color in colors)


def _choice(about: AboutWeights, key: str, told: dict, choices: Sequence[str]) -> str:
    if told[key] not in choices:
        raise ValueError(
            f'{about.source}: preprocess_cfg.{key}={told[key]!r}, expected one of '
            f'{", ".join(choices)}'
        )
    return told[key]
