"""Size and crops of the images, as Pillow and torchvision compute them."""

from typing import Union

import numpy as np
import torch.nn.functional as F
from mmaction.datasets.transforms import CenterCrop, Resize, TenCrop, ThreeCrop
from mmaction.registry import TRANSFORMS
from torch import from_numpy

INTERPOLATIONS = ('bilinear', 'bicubic')


def resize_image(
    image: np.ndarray, size: tuple[int, int], interpolation: str
) -> np.ndarray:
    """Resize with antialiasing, as Pillow does.

    It is torch's resize of 8-bit images, many times faster than Pillow's own
    and hardly ever more than one level of 255 apart from it.

    Args:
        image (np.ndarray): [H, W, C], uint8.
        size (tuple[int, int]): Width and height.
        interpolation (str): 'bilinear' or 'bicubic'.

    Returns:
        np.ndarray: [height, width, C]; of its size already, ``image`` itself.
    """
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    image = np.require(image, requirements=['C', 'W'])  # as torch wants it
    resized = F.interpolate(
        from_numpy(image)[None].permute(0, 3, 1, 2),
        (height, width),
        mode=interpolation,
        antialias=True,
    )
    return resized[0].permute(1, 2, 0).numpy()


def short_side_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Width and height where the shorter side gets a length.

    As torchvision cuts off what the longer side has beyond a whole pixel;
    MMAction2 rounds it.
    """
    width, height = size
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


@TRANSFORMS.register_module()
class AntialiasedResize(Resize):
    """MMAction2's ``Resize``, but as Pillow and torchvision resize.

    CLIP and most image models were trained so. MMAction2's own, bilinear
    without antialiasing, takes a few pixels and leaves out those between.

    Required, added and modified keys are those of ``Resize``.

    Args:
        scale (float | tuple[int]): See ``Resize``; (-1, N) makes the shorter
            side N pixels long.
        keep_ratio (bool): See ``Resize``. Defaults to True.
        interpolation (str): 'bicubic' or 'bilinear'. Defaults to 'bicubic'.

    Raises:
        ValueError: for another interpolation.
    """

    def __init__(
        self,
        scale: Union[float, tuple[int, int]],
        keep_ratio: bool = True,
        interpolation: str = 'bicubic',
    ) -> None:
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'interpolation={interpolation!r}; choose from {INTERPOLATIONS}'
            )
        super().__init__(scale, keep_ratio, interpolation)

    def _resize_imgs(self, imgs: list, new_w: int, new_h: int) -> list:
        size = (new_w, new_h)
        return [resize_image(x, size, self.interpolation) for x in imgs]

    def transform(self, results: dict) -> dict:
        """Resize ``imgs``, and what belongs to them."""
        if not (self.keep_ratio and np.inf in np.atleast_1d(self.scale)):
            return super().transform(results)
        height, width = results['img_shape']
        size = short_side_size((width, height), self.scale[1])
        exactly = type(self)(size, False, self.interpolation)
        return dict(exactly.transform(results), keep_ratio=True)


def margins_of(results: dict, crop_size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows by which images are larger than a crop.

    Args:
        results (dict): With ``imgs``.
        crop_size (tuple[int, int]): Width and height.

    Raises:
        ValueError: if they are smaller.
    """
    height, width = results['imgs'][0].shape[:2]
    margins = width - crop_size[0], height - crop_size[1]
    if min(margins) < 0:
        raise ValueError(
            'images of {}x{} pixels are smaller than the crop of {}x{}'.format(
                width, height, *crop_size
            )
        )
    return margins


def keep_part(results: dict, left: int, top: int, width: int, height: int) -> None:
    """Keep a rectangle of ``imgs``."""
    part = np.s_[top : top + height, left : left + width]
    results['imgs'] = [image[part] for image in results['imgs']]
    results['img_shape'] = (height, width)


@TRANSFORMS.register_module()
class RoundedCenterCrop(CenterCrop):
    """The middle of the images, as torchvision crops it.

    MMAction2's ``CenterCrop`` begins a pixel earlier where the images are
    larger by three more than a multiple of four: 455 pixels, cropped to 224.

    Required and added keys are those of ``CenterCrop``.

    Args:
        crop_size (int | tuple[int]): (w, h) in pixels.
    """

    def transform(self, results: dict) -> dict:
        """Crop ``imgs``.

        Raises:
            ValueError: if an image is smaller than the crop.
        """
        margins = margins_of(results, self.crop_size)
        left, top = (round(margin / 2) for margin in margins)  # to the even
        keep_part(results, left, top, *self.crop_size)
        return super().transform(results)


@TRANSFORMS.register_module()
class SpacedThreeCrop(ThreeCrop):
    """Left, right and middle crop of images larger than the crop.

    MMAction2's ``ThreeCrop`` requires that the shorter side equals the
    crop, and crops tall images from top to bottom. Here they lie along the
    width, in the middle of the height, as the reference tests.

    Required and added keys are those of ``ThreeCrop``.

    Args:
        crop_size (int | tuple[int]): (w, h) in pixels.
    """

    def transform(self, results: dict) -> dict:
        """Cut the middle strip, then let MMAction2 crop it three times.

        Raises:
            ValueError: if an image is smaller than the crop.
        """
        quarter_x, quarter_y = (
            margin // 4 for margin in margins_of(results, self.crop_size)
        )
        width, height = self.crop_size
        keep_part(results, 0, 2 * quarter_y, width + 4 * quarter_x, height)
        return super().transform(results)


@TRANSFORMS.register_module()
class SpacedTenCrop(TenCrop):
    """MMAction2's ``TenCrop``: corners and middle, each also mirrored.

    Required and added keys are those of ``TenCrop``.

    Args:
        crop_size (int | tuple[int]): (w, h) in pixels.
    """

    def transform(self, results: dict) -> dict:
        """Crop ``imgs``.

        Raises:
            ValueError: if an image is smaller than the crop, of which
                MMAction2 would make crops of other sizes.
        """
        margins_of(results, self.crop_size)
        return super().transform(results)


@TRANSFORMS.register_module()
class SpacedFiveCrop(SpacedTenCrop):
    """Corners and middle of images: half of the crops of ``TenCrop``.

    Required and added keys are those of ``TenCrop``.

    Args:
        crop_size (int | tuple[int]): (w, h) in pixels.
    """

    def transform(self, results: dict) -> dict:
        """Crop ``imgs``."""
        count = len(results['imgs'])
        results = super().transform(results)
        # Each crop of all images is followed by its mirror image.
        plain = [i for i in range(10 * count) if i // count % 2 == 0]
        results['imgs'] = [results['imgs'][i] for i in plain]
        results['crop_bbox'] = results['crop_bbox'][plain]
        return results
