"""Frames with their saliency, after Figure 3 of the paper."""
from typing import Optional, Sequence

import numpy as np


def draw_saliency(path: str,
                  frames: Sequence[np.ndarray],
                  saliency: np.ndarray,
                  names: Sequence[str],
                  title: str = '',
                  marked: Optional[Sequence[bool]] = None) -> None:
    """Write a picture: the frames of a video over bars of their saliency.

    Args:
        path (str): Image file to write; its suffix tells the format.
        frames (Sequence[np.ndarray]): T images [H, W, 3], RGB, uint8.
        saliency (np.ndarray): [K, T], rows sum to 1.
        names (Sequence[str]): Name of each of the K rows.
        title (str): Text above. Defaults to ''.
        marked (Sequence[bool], optional): Frames to frame in colour, such as
            those known to show the action.

    Raises:
        ValueError: if the lengths do not agree.
    """
    from matplotlib.figure import Figure  # slow to import
    saliency = np.asarray(saliency)
    if saliency.shape != (len(names), len(frames)):
        raise ValueError(
            f'saliency of shape {saliency.shape} does not fit {len(names)} '
            f'names and {len(frames)} frames')
    rows = 1 + len(names)
    figure = Figure(
        figsize=(1.3 * len(frames), 1.5 + 0.8 * len(names)),
        layout='constrained')
    grid = figure.add_gridspec(
        rows, len(frames), height_ratios=[1.6] + [1] * len(names))
    marked = marked if marked is not None else [False] * len(frames)
    for column, (frame, mark) in enumerate(zip(frames, marked)):
        _draw_frame(figure.add_subplot(grid[0, column]), frame, mark)
    for row, (name, values) in enumerate(zip(names, saliency), 1):
        _draw_bars(figure.add_subplot(grid[row, :]), name, values)
    if title:
        figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=110)


def _draw_frame(axes, frame: np.ndarray, mark: bool) -> None:
    axes.imshow(frame)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color='tab:red' if mark else 'white', linewidth=3)


def _draw_bars(axes, name: str, values: np.ndarray) -> None:
    uniform = 1 / len(values)
    axes.bar(range(len(values)), values, width=0.7, color='tab:blue')
    axes.axhline(uniform, color='gray', linewidth=0.8, linestyle=':')
    axes.set(
        xlim=(-0.5, len(values) - 0.5), ylim=(0, 1), xticks=[], yticks=[0, 1])
    axes.set_title(name, fontsize=9, loc='left', pad=2)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
