"""One colour for each class, the same in all pictures of a video."""

from collections.abc import Iterable
from typing import Optional

NONE = (140, 140, 140)  # none of these
_TAB10 = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (188, 189, 34),
    (23, 190, 207),
)

Color = tuple[int, int, int]


def class_colors(names: Iterable[Optional[str]]) -> dict[Optional[str], Color]:
    """Colours (r, g, b), 0 to 255, in the order of first appearance."""
    colors: dict[Optional[str], Color] = {None: NONE}
    for name in names:
        if name not in colors:
            colors[name] = _TAB10[(len(colors) - 1) % len(_TAB10)]
    return colors
