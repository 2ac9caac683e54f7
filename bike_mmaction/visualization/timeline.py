"""A long video's classes over time."""

from collections.abc import Sequence
from textwrap import shorten
from typing import Optional

import numpy as np

from .colors import class_colors

OTHERS = (0.25, 0.25, 0.25)  # classes without a curve
Segment = tuple[float, float]


def nearest_segments(windows: Sequence[Segment]) -> list[Segment]:
    """Part a video among windows that overlap.

    Args:
        windows (Sequence[tuple[float, float]]): Begin and end in seconds, in
            their order.

    Returns:
        list[tuple[float, float]]: One for each window, one behind the other:
        each moment belongs to the window whose centre is nearest.
    """
    centres = [(begin + end) / 2 for begin, end in windows]
    edges = [(a + b) / 2 for a, b in zip(centres, centres[1:])]
    edges = [windows[0][0], *edges, windows[-1][1]]
    return list(zip(edges, edges[1:]))


# Longer than others for its arguments: what it draws is in functions below.
def draw_timeline(
    path: str,
    windows: Sequence[Segment],
    labels: Sequence[Optional[str]],
    confidences: dict[str, Sequence[float]],
    frames: Sequence[np.ndarray] = (),
    threshold: float = 0.0,
    title: str = '',
) -> None:
    """Write a picture: frames, over confidences, over what was recognized.

    Args:
        path (str): Image file to write; its suffix tells the format.
        windows (Sequence[tuple[float, float]]): Begin and end of each of N
            windows, in seconds; they may overlap.
        labels (Sequence[str | None]): What was recognized in each; None for
            "none of these".
        confidences (dict[str, Sequence[float]]): N values of each class to
            draw; NaN where unknown. Other labels are dark.
        frames (Sequence[np.ndarray]): Images [H, W, 3], RGB, uint8, evenly
            over the video. Defaults to ().
        threshold (float): A line to draw. Defaults to 0: none.
        title (str): Text above. Defaults to ''.

    Raises:
        ValueError: if the lengths do not agree.
    """
    from matplotlib.figure import Figure  # slow to import

    _check_lengths(len(windows), {'labels': labels, **confidences})
    colors = {
        name: tuple(v / 255 for v in color)
        for name, color in class_colors(confidences).items()
    }
    figure = Figure(figsize=(11, 5.2), layout='constrained')
    heights = [1.3] * bool(len(frames)) + [3, 0.5]
    grid = figure.add_gridspec(len(heights), max(len(frames), 1), height_ratios=heights)
    for column, frame in enumerate(frames):
        _draw_frame(figure.add_subplot(grid[0, column]), frame)
    curves = figure.add_subplot(grid[-2, :])
    centres = [(begin + end) / 2 for begin, end in windows]
    _draw_curves(curves, centres, confidences, colors, threshold)
    curves.set_xlim(windows[0][0], windows[-1][1])
    ribbon = figure.add_subplot(grid[-1, :], sharex=curves)
    _draw_ribbon(ribbon, nearest_segments(windows), labels, colors)
    if title:
        figure.suptitle(title, fontsize=11, parse_math=False)
    figure.savefig(path, dpi=110)


def _check_lengths(count: int, series: dict[str, Sequence]) -> None:
    """Refuse a series that has not one value for each window."""
    for name, values in series.items():
        if len(values) != count:
            raise ValueError(
                f"{len(values)} values of '{name}' do not fit {count} windows"
            )


def _draw_frame(axes, frame: np.ndarray) -> None:
    axes.imshow(frame)
    axes.set_axis_off()


def _draw_curves(
    axes,
    centres: Sequence[float],
    confidences: dict[str, Sequence[float]],
    colors: dict,
    threshold: float,
) -> None:
    lines = [
        axes.plot(centres, values, marker='.', color=colors[name])[0]
        for name, values in confidences.items()
    ]
    if threshold:
        axes.axhline(threshold, color='gray', linewidth=0.8, linestyle=':')
    axes.set(ylim=(0, 1.03), ylabel='confidence')
    axes.tick_params(labelbottom=False)
    legend = axes.legend(
        lines,
        [shorten(name, 40, placeholder='…') for name in confidences],
        loc='center left',
        bbox_to_anchor=(1, 0.5),
        fontsize=9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _draw_ribbon(
    axes, segments: Sequence[Segment], labels: Sequence[Optional[str]], colors: dict
) -> None:
    for (begin, end), label in zip(segments, labels):
        axes.axvspan(begin, end, color=colors.get(label, OTHERS), linewidth=0)
    axes.set(yticks=[], xlabel='seconds')
