"""One colour for each class, the same in all pictures."""

from collections.abc import Iterable, Sequence
from typing import Optional

NONE = (140, 140, 140)  # none of these
PALETTE = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (188, 189, 34),
    (23, 190, 207),
    (98, 70, 215),
    (255, 202, 40),
    (0, 121, 90),
    (173, 20, 87),
    (179, 157, 219),
    (205, 160, 110),
    (124, 221, 60),
    (129, 190, 255),
    (255, 138, 128),
)

Color = tuple[int, int, int]


def class_colors(
    names: Iterable[Optional[str]], classes: Sequence[str] = ()
) -> dict[Optional[str], Color]:
    """Colours (r, g, b), 0 to 255; None, "none of these", is gray.

    Args:
        names (Iterable[str | None]): Classes to be shown.
        classes (Sequence[str]): All that were asked for. A class has the
            colour of its place among them, so that up to 18 classes look
            the same in all pictures. Of more, those shown together differ:
            the later one takes the next colour that is free. Defaults to
            (): the places are those of ``names``.
    """
    shown = list(dict.fromkeys(name for name in names if name is not None))
    places = {name: place for place, name in enumerate(classes or shown)}
    colors: dict[Optional[str], Color] = {None: NONE}
    for name in shown:
        start = places.get(name, len(colors) - 1)
        turned = [PALETTE[(start + i) % len(PALETTE)] for i in range(len(PALETTE))]
        used = set(colors.values())
        colors[name] = next((c for c in turned if c not in used), turned[0])
    return colors


def for_matplotlib(color: Color) -> tuple[float, ...]:
    """The same with shares from 0 to 1."""
    return tuple(value / 255 for value in color)
