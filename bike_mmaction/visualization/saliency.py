"""Frames with their saliency and attributes, after Figure 3 of the paper."""

import textwrap
from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from ..terminal import clock
from .colors import PALETTE, Color, for_matplotlib

Attribute = Union[str, tuple[str, float]]
NARROWEST, WIDEST = 9, 16  # inches
FONT, FONT_WIDTH = 10, 9  # points in a figure of so many inches, which a page shrinks


# Longer than others for its arguments: what it draws is in functions below.
def draw_saliency(
    path: str,
    frames: Sequence[np.ndarray],
    saliency: np.ndarray,
    names: Sequence[str],
    title: str = '',
    marked: Optional[Sequence[bool]] = None,
    attributes: Sequence[Attribute] = (),
    times: Optional[Sequence[float]] = None,
    colors: Optional[Sequence[Color]] = None,
) -> None:
    """Write a picture: frames over bars of their saliency, then attributes.

    Args:
        path (str): Image file to write; its suffix tells the format.
        frames (Sequence[np.ndarray]): T images [H, W, 3], RGB, uint8.
        saliency (np.ndarray): [K, T], rows sum to 1.
        names (Sequence[str]): Name of each of the K rows.
        title (str): Text above. Defaults to ''.
        marked (Sequence[bool], optional): Frames to frame in colour, such as
            those known to show the action.
        attributes (Sequence[str | tuple[str, float]]): Phrases, each alone or
            with its score. Defaults to ().
        times (Sequence[float], optional): Seconds of the T frames, to be
            written below them.
        colors (Sequence[tuple], optional): Of the K rows, (r, g, b) from 0 to
            255. Defaults to None: all blue.

    Raises:
        ValueError: if the lengths do not agree.
    """
    saliency = np.asarray(saliency)
    if saliency.shape != (len(names), len(frames)):
        raise ValueError(
            f'saliency of shape {saliency.shape} does not fit {len(names)} '
            f'names and {len(frames)} frames'
        )
    colors = colors or [PALETTE[0]] * len(names)
    figure = _compose(frames, saliency, names, marked, attributes, times, colors)
    if title:
        size = 1.2 * _font_size(figure)
        text = '\n'.join(textwrap.wrap(title, 85))
        figure.suptitle(text, fontsize=size, parse_math=False)
    figure.savefig(path, dpi=130)


def _compose(frames, saliency, names, marked, attributes, times, colors):
    """The figure without its title."""
    from matplotlib.figure import Figure  # slow to import

    count = len(frames)
    heights = [1.5, *[1] * len(names), 0.5] + [0.9] * bool(attributes)
    width = min(max(1.1 * count, NARROWEST), WIDEST)
    height = (0.4 + 0.8 * sum(heights)) * width / FONT_WIDTH
    figure = Figure(figsize=(width, height), layout='constrained')
    grid = figure.add_gridspec(len(heights), count, height_ratios=heights)
    size = _font_size(figure)
    step = -(-count // 16)  # more times would run into each other
    for column, frame in enumerate(frames):
        axes = figure.add_subplot(grid[0, column])
        _draw_frame(axes, frame, marked is not None and marked[column])
        if times is not None and column % step == 0:
            axes.set_xlabel(clock(times[column]), fontsize=size, labelpad=4)
    for row, (name, values, color) in enumerate(zip(names, saliency, colors), 1):
        axes = figure.add_subplot(grid[row, :])
        _draw_bars(axes, name, values, for_matplotlib(color), size)
    _explain_bars(figure.add_subplot(grid[len(names) + 1, :]), count, size)
    if attributes:
        _draw_attributes(figure.add_subplot(grid[-1, :]), attributes, size)
    return figure


def _font_size(figure) -> float:
    """In points: a wide figure is shrunk more to fit a page."""
    return FONT * figure.get_figwidth() / FONT_WIDTH


def _draw_frame(axes, frame: np.ndarray, mark: bool) -> None:
    axes.imshow(frame)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color='tab:red' if mark else 'white', linewidth=3)


def _draw_bars(
    axes, name: str, values: np.ndarray, color: tuple[float, ...], size: float
) -> None:
    uniform = 1 / len(values)
    axes.bar(range(len(values)), values, width=0.7, color=color)
    axes.axhline(uniform, color='gray', linewidth=1, linestyle=':')
    axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(0, 1), xticks=[])
    axes.set_yticks([0, 1], ['0', '100 %'], fontsize=0.85 * size)
    axes.set_title(name, fontsize=size, loc='left', pad=3, parse_math=False)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _explain_bars(axes, count: int, size: float) -> None:
    """Say what the bars and the dotted line are."""
    axes.set_axis_off()
    text = (
        'Bars: how much each frame counts for the class (its saliency); those of a '
        f'class sum to 100 %.\nDotted line: 1/{count}, where all frames count alike.'
    )
    axes.text(
        0, 0.5, text, fontsize=0.9 * size, color='#444444', va='center', clip_on=False
    )


def _draw_attributes(axes, attributes: Sequence[Attribute], size: float) -> None:
    axes.set_axis_off()
    axes.set_title(
        'Attributes: phrases that fit the video best, with their similarity (cosine)',
        fontsize=size,
        loc='left',
        pad=3,
    )
    letters = max(100 // len(attributes) - 3, 8)  # that fit beside each other
    for place, attribute in enumerate(attributes):
        if isinstance(attribute, str):
            text = attribute
        else:
            text = '{} ({:.2f})'.format(*attribute)
        axes.text(
            (place + 0.5) / len(attributes),
            0.5,
            '\n'.join(textwrap.wrap(text, letters)[:3]),
            fontsize=size,
            parse_math=False,
            horizontalalignment='center',
            verticalalignment='center',
            bbox=dict(boxstyle='round,pad=0.4', color='tab:blue', alpha=0.15),
        )
