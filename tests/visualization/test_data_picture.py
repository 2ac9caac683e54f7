"""The picture of a data set: what is in it, whatever its classes are called."""

import warnings

import numpy as np
from PIL import Image

from bike_mmaction.visualization.data_picture import PART_COLORS, ClassRow, draw_data


def pixels_of(image, color):
    """How many pixels have a colour such as '#4477aa'."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image.astype(int) - wanted).max(axis=2) < 3).sum())


def test_bars_dots_and_frames(tmp_path):
    """As long as they should be; names with signs of all kinds, and empty classes."""
    purple = np.full((20, 20, 3), (120, 0, 200), np.uint8)
    rows = [
        ClassRow(
            'a $5 price_^ {x}', dict(train=6, val=3, test=1), [1, 2, 300], [purple]
        ),
        ClassRow('跳舞 and ' + 'a long name ' * 9, dict(train=6), [5], [None]),
        ClassRow('', dict(train=0), [], []),
    ]
    path = tmp_path / 'x.png'
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        draw_data(str(path), rows, 'mydata: $3', 'a note')
    image = np.asarray(Image.open(path).convert('RGB'))
    train, val, test = (pixels_of(image, color) for color in PART_COLORS.values())
    assert 3.4 < train / val < 4.4 and 2 < val / test < 3.2  # with the legend's
    assert pixels_of(image, '#7800c8') > 1500
    draw_data(str(path), rows * 3)
    assert Image.open(path).height > 1.8 * len(image)
