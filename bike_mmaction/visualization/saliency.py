"""Frames with their saliency and attributes, after Figure 3 of the paper."""

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

Attribute = Union[str, tuple[str, float]]


def draw_saliency(
    path: str,
    frames: Sequence[np.ndarray],
    saliency: np.ndarray,
    names: Sequence[str],
    title: str = '',
    marked: Optional[Sequence[bool]] = None,
    attributes: Sequence[Attribute] = (),
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

    Raises:
        ValueError: if the lengths do not agree.
    """
    saliency = np.asarray(saliency)
    if saliency.shape != (len(names), len(frames)):
        raise ValueError(
            f'saliency of shape {saliency.shape} does not fit {len(names)} '
            f'names and {len(frames)} frames'
        )
    figure = _compose(frames, saliency, names, marked, attributes)
    if title:
        figure.suptitle(title, fontsize=11, parse_math=False)
    figure.savefig(path, dpi=110)


def _compose(frames, saliency, names, marked, attributes):
    """The figure without its title."""
    from matplotlib.figure import Figure  # slow to import

    heights = [1.6] + [1] * len(names) + [0.9] * bool(attributes)
    figure = Figure(
        figsize=(min(max(1.3 * len(frames), 4), 24), 0.2 + 0.8 * sum(heights)),
        layout='constrained',
    )
    grid = figure.add_gridspec(len(heights), len(frames), height_ratios=heights)
    for column, frame in enumerate(frames):
        _draw_frame(
            figure.add_subplot(grid[0, column]),
            frame,
            marked is not None and marked[column],
        )
    for row, (name, values) in enumerate(zip(names, saliency), 1):
        _draw_bars(figure.add_subplot(grid[row, :]), name, values)
    if attributes:
        _draw_attributes(figure.add_subplot(grid[-1, :]), attributes)
    return figure


def _draw_frame(axes, frame: np.ndarray, mark: bool) -> None:
    axes.imshow(frame)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color='tab:red' if mark else 'white', linewidth=3)


def _draw_bars(axes, name: str, values: np.ndarray) -> None:
    uniform = 1 / len(values)
    axes.bar(range(len(values)), values, width=0.7, color='tab:blue')
    axes.axhline(uniform, color='gray', linewidth=0.8, linestyle=':')
    axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(0, 1), xticks=[], yticks=[0, 1])
    axes.set_title(name, fontsize=9, loc='left', pad=2, parse_math=False)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _draw_attributes(axes, attributes: Sequence[Attribute]) -> None:
    axes.set_axis_off()
    axes.set_title('Attributes', fontsize=9, loc='left', pad=2)
    for place, attribute in enumerate(attributes):
        if isinstance(attribute, str):
            text = attribute
        else:
            text = '{} ({:.2f})'.format(*attribute)
        axes.text(
            (place + 0.5) / len(attributes),
            0.5,
            text,
            fontsize=10,
            parse_math=False,
            horizontalalignment='center',
            verticalalignment='center',
            bbox=dict(boxstyle='round,pad=0.4', color='tab:blue', alpha=0.15),
        )
