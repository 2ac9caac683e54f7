"""Frames as a player shows them: upright."""

import math
from collections.abc import Sequence
from typing import Any, Optional, cast

import numpy as np
from av.video.frame import VideoFrame

UPRIGHT = (1, 0, 0, 1)
Matrix = tuple[int, int, int, int]


def matrix_of(frame: VideoFrame) -> Optional[list[int]]:
    """The display matrix of a picture, see :func:`orientation_of`; None if none."""
    try:
        matrix = cast(Any, frame.side_data)['DISPLAYMATRIX']
    except KeyError:
        return None
    return np.frombuffer(matrix, np.int32).tolist()


def is_rigid(numbers: Sequence[int]) -> bool:
    """Whether a display matrix turns, mirrors or stretches a little, without shear.

    Args:
        numbers (Sequence[int]): See :func:`orientation_of`.
    """
    a, b, _, c, d = numbers[:5]
    across, down = math.hypot(a, b), math.hypot(c, d)
    is_little = max(across, down) <= 64 * min(across, down)
    return is_little and abs(a * c + b * d) <= 0.05 * across * down


def orientation_of(numbers: Sequence[int]) -> Matrix:
    """The signs of a display matrix, as the containers store it.

    Args:
        numbers (Sequence[int]): 9 numbers [a, b, u, c, d, v, x, y, w]: the
            pixel (x, y) is shown at (ax + cy, bx + dy).

    Returns:
        tuple[int, int, int, int]: a, b, c, d as -1, 0 or 1, the nearest of
        the eight ways to put a picture upright.
    """
    a, b, _, c, d = numbers[:5]
    if not any((a, b, c, d)):
        return UPRIGHT
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (_sign(a), 0, 0, _sign(d))
    return (0, _sign(b), _sign(c), 0)


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


def upright(image: np.ndarray, orientation: Matrix) -> np.ndarray:
    """Turn and mirror an image [H, W, 3]; a view of it."""
    a, b, c, d = orientation
    if a == 0:
        return image.transpose(1, 0, 2)[::b, ::c]
    return image[::d, ::a]


def degrees_of(orientation: Matrix) -> int:
    """How far the pictures of the file are turned, clockwise: 0 to 270."""
    a, b, _, _ = orientation
    return round(math.degrees(math.atan2(b, a))) % 360
