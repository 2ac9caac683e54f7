"""Draw the demo's small world: places, props, balls and neutral shapes.

A canvas is a [SIZE, SIZE, 3] uint8 RGB image; every function draws in place.
Points are (x, y) in pixels from the top left corner, fractions included.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin

import cv2
import numpy as np

SIZE = 64
HORIZON = 45  # y where the wall meets the floor
GROUND = 53  # y that props stand on
RADIUS = 6  # of a ball
OUTLINE = (30, 30, 30)

BALL_COLORS = dict(
    red=(225, 30, 35), green=(20, 165, 50), blue=(30, 70, 235), yellow=(250, 220, 20)
)
SHAPE_COLORS = dict(white=(250, 250, 250), purple=(150, 60, 180), orange=(245, 140, 30))
BACKGROUND_COLORS = {  # wall, floor
    'meadow': ((175, 210, 235), (140, 180, 110)),
    'beach': ((150, 205, 230), (225, 205, 160)),
    'snow': ((200, 205, 215), (240, 243, 248)),
    'night': ((35, 35, 75), (60, 60, 70)),
    'brick wall': ((165, 110, 95), (150, 150, 150)),
    'tiled room': ((195, 215, 210), (175, 150, 130)),
}

Canvas = np.ndarray
Point = tuple[float, float]
Color = tuple[int, int, int]


def _polygon(canvas: Canvas, points: Sequence[Point], color: Color) -> None:
    """Fill and outline a polygon; OpenCV takes sixteenths of a pixel."""
    corners = [np.round(np.asarray(points) * 16).astype(np.int32)]
    cv2.fillPoly(canvas, corners, color, cv2.LINE_AA, 4)
    cv2.polylines(canvas, corners, True, OUTLINE, 1, cv2.LINE_AA, 4)


def _upright(
    canvas: Canvas, x: float, top: float, bottom: float, half: float, color: Color
) -> None:
    """A rectangle from x - half to x + half."""
    corners = [(x - half, top), (x + half, top), (x + half, bottom), (x - half, bottom)]
    _polygon(canvas, corners, color)


def _ellipse(
    canvas: Canvas, center: Point, width: float, height: float, color: Color
) -> None:
    """An ellipse; ``width`` and ``height`` are half axes."""
    turn = np.linspace(0, 2 * pi, 20, endpoint=False)
    circle = np.stack([width * np.cos(turn), height * np.sin(turn)], 1)
    _polygon(canvas, circle + center, color)


def _line(canvas: Canvas, start: Point, end: Point) -> None:
    start, end = np.round(np.multiply([start, end], 16)).astype(int).tolist()
    cv2.line(canvas, start, end, OUTLINE, 1, cv2.LINE_AA, 4)


# Scenery stands behind the action, large and in colours of its own.
def _tree(canvas: Canvas, x: float) -> None:
    _upright(canvas, x, 30, HORIZON, 2.5, (95, 65, 40))
    _ellipse(canvas, (x, 20), 11, 14, (60, 95, 50))


def _house(canvas: Canvas, x: float) -> None:
    _upright(canvas, x, 26, HORIZON, 11, (235, 225, 205))
    _polygon(canvas, [(x - 14, 26), (x + 14, 26), (x, 11)], (115, 55, 50))


def _fence(canvas: Canvas, x: float) -> None:
    for step in range(-72, 73, 8):
        _upright(canvas, x + step, 28, HORIZON, 1.5, (215, 195, 150))
    for y in (32, 39):
        _line(canvas, (0, y), (SIZE, y))


def _lamp(canvas: Canvas, x: float) -> None:
    _upright(canvas, x, 18, HORIZON, 1.5, (60, 60, 65))
    _ellipse(canvas, (x, 12), 8, 8, (255, 245, 190))


# Props stand on the ground, or float; ``x`` is their middle.
def _box(canvas: Canvas, x: float) -> None:
    _upright(canvas, x, GROUND - 13, GROUND, 9, (165, 115, 60))
    _line(canvas, (x - 9, GROUND - 13), (x + 9, GROUND))
    _line(canvas, (x + 9, GROUND - 13), (x - 9, GROUND))


def _ramp(canvas: Canvas, x: float) -> None:
    corners = [(x - 18, GROUND - 27), (x + 18, GROUND), (x - 18, GROUND)]
    _polygon(canvas, corners, (120, 125, 135))


def _bridge(canvas: Canvas, x: float) -> None:
    for side in (-18, 18):
        _upright(canvas, x + side, GROUND - 18, GROUND, 2.5, (175, 165, 150))
    _upright(canvas, x, GROUND - 24, GROUND - 17, 23, (175, 165, 150))


def _balloon(canvas: Canvas, x: float) -> None:
    _line(canvas, (x, 20), (x, 36))
    _ellipse(canvas, (x, 13), 9, 10, (240, 150, 190))


SCENERY = dict(tree=_tree, house=_house, fence=_fence, lamp=_lamp)
PROPS = dict(box=_box, ramp=_ramp, bridge=_bridge, balloon=_balloon)
FORMS = dict(  # corners of the neutral shapes; a ball's radius is 1
    star=[
        (r * sin(i * pi / 5), -r * cos(i * pi / 5))
        for i, r in enumerate([1.3, 0.6] * 5)
    ],
    triangle=[(0, -1.2), (1.2, 0.9), (-1.2, 0.9)],
    diamond=[(0, -1.3), (0.9, 0), (0, 1.3), (-0.9, 0)],
)


@lru_cache(maxsize=128)
def _place(background: str, scenery: str, x: int) -> Canvas:
    canvas = np.empty((SIZE, SIZE, 3), np.uint8)
    wall = canvas[:HORIZON]
    wall[:], canvas[HORIZON:] = BACKGROUND_COLORS[background]
    if background == 'brick wall':
        wall[::6] = (200, 170, 155)
        for row in range(0, HORIZON, 6):
            wall[row : row + 6, row % 12 // 6 * 5 :: 10] = (200, 170, 155)
    elif background == 'tiled room':
        wall[::9] = wall[:, ::9] = (230, 240, 240)
    elif background == 'night':
        wall[3::11, 5::17] = wall[8::13, 12::19] = (240, 240, 200)
    SCENERY[scenery](canvas, x)
    return canvas


def new_canvas(background: str, scenery: str, x: int) -> Canvas:
    """A place to draw on, with its scenery at ``x``."""
    return _place(background, scenery, x).copy()


def draw_prop(canvas: Canvas, name: str, x: float) -> None:
    """Draw one of PROPS with its middle at ``x``."""
    PROPS[name](canvas, x)


def draw_object(canvas: Canvas, name: str, center: Point) -> None:
    """Draw a ball or a neutral shape by its name, such as 'red ball'."""
    color, form = name.split()
    if form == 'ball':
        _ellipse(canvas, center, RADIUS, RADIUS, BALL_COLORS[color])
    else:
        corners = np.multiply(FORMS[form], RADIUS) + center
        _polygon(canvas, corners, SHAPE_COLORS[color])
