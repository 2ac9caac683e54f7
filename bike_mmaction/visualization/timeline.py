"""A long video's classes over time."""

from collections.abc import Iterable, Sequence
from textwrap import shorten
from typing import Any, Optional, Union

import numpy as np

from ..terminal import clock
from .colors import Color, class_colors, for_matplotlib

OTHERS = (0.25, 0.25, 0.25)  # classes without a curve
UNREADABLE = ''  # label of a window that could not be read
FONT = 10  # points
COLUMNS = 2  # of the legend
Segment = tuple[float, float]
Labels = Union[None, str, Sequence[str]]  # of a window


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
    labels: Sequence[Labels],
    confidences: dict[str, Sequence[float]],
    frames: Sequence[np.ndarray] = (),
    threshold: float = 0.0,
    title: str = '',
    times: Optional[Sequence[float]] = None,
    colors: Optional[dict[Optional[str], Color]] = None,
) -> None:
    """Write a picture: frames, over confidences, over what was recognized.

    Args:
        path (str): Image file to write; its suffix tells the format.
        windows (Sequence[tuple[float, float]]): Begin and end of each of N
            windows, in seconds; they may overlap.
        labels (Sequence[str | Sequence[str] | None]): What was recognized in
            each, a class or several; None or no class for "none of these", ''
            where it could not be read.
        confidences (dict[str, Sequence[float]]): N values of each class to
            draw; NaN where unknown. Other labels are dark.
        frames (Sequence[np.ndarray]): Images [H, W, 3], RGB, uint8, evenly
            over the video. Defaults to ().
        threshold (float): A line to draw. Defaults to 0: none.
        title (str): Text above. Defaults to ''.
        times (Sequence[float], optional): Seconds of the frames, to be
            written below them.
        colors (dict, optional): Of :func:`.class_colors`. Defaults to None:
            in the order of ``confidences``.

    Raises:
        ValueError: if the lengths do not agree.
    """
    from matplotlib.figure import Figure  # slow to import

    _check_lengths(len(windows), {'labels': labels, **confidences})
    palette = {
        name: for_matplotlib(color)
        for name, color in (colors or class_colors(confidences)).items()
        if name is None or name in confidences
    }
    sets = [_as_set(label) for label in labels]
    keys = _keys(labels, confidences, palette, threshold)
    rows = _rows(sets, confidences)
    heights = [1.0] * bool(len(frames)) + [2.6, max(0.4, 0.2 * len(rows))]
    lines = -(-len(keys) // COLUMNS)
    size = (9, 0.9 + sum(heights) + 0.24 * lines)
    figure = Figure(figsize=size, layout='constrained')
    grid = figure.add_gridspec(len(heights), max(len(frames), 1), height_ratios=heights)
    for column, frame in enumerate(frames):
        moment = None if times is None else times[column]
        _draw_frame(figure.add_subplot(grid[0, column]), frame, moment)
    curves = figure.add_subplot(grid[-2, :])
    centres = [(begin + end) / 2 for begin, end in windows]
    _draw_curves(curves, centres, confidences, palette, threshold)
    curves.set_xlim(windows[0][0], windows[-1][1])
    ribbon = figure.add_subplot(grid[-1, :], sharex=curves)
    _draw_ribbon(ribbon, nearest_segments(windows), sets, rows, palette)
    _draw_legend(figure, keys)
    if title:
        figure.suptitle(title, fontsize=1.2 * FONT, parse_math=False)
    figure.savefig(path, dpi=130)


def _check_lengths(count: int, series: dict[str, Sequence]) -> None:
    """Refuse a series that has not one value for each window."""
    for name, values in series.items():
        if len(values) != count:
            raise ValueError(
                f"{len(values)} values of '{name}' do not fit {count} windows"
            )


def _draw_frame(axes, frame: np.ndarray, moment: Optional[float]) -> None:
    axes.imshow(frame)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)
    if moment is not None:
        axes.set_xlabel(clock(moment), fontsize=FONT, labelpad=2)


def _draw_curves(
    axes,
    centres: Sequence[float],
    confidences: dict[str, Sequence[float]],
    palette: dict,
    threshold: float,
) -> None:
    for name, values in confidences.items():
        axes.plot(centres, values, marker='.', color=palette[name])
    if threshold:
        axes.axhline(threshold, color='black', linewidth=1, linestyle=':')
    axes.set(ylim=(0, 1.03))
    axes.set_yticks([0, 0.5, 1], ['0', '50 %', '100 %'], fontsize=FONT)
    axes.set_ylabel('confidence', fontsize=FONT)
    axes.tick_params(labelbottom=False)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _as_set(labels: Labels) -> frozenset[str]:
    if labels is None or isinstance(labels, str):
        return frozenset() if labels is None else frozenset([labels])
    return frozenset(labels)


def _rows(sets: Sequence[frozenset[str]], curves: Iterable[str]) -> list[set[str]]:
    """The classes of each row of the ribbon, from above.

    Where a window has several classes, each class has a row of its own, and
    those without a curve share the last one. Else there is one row.
    """
    used = set[str]().union(*sets) - {UNREADABLE}
    if all(len(one) < 2 for one in sets):
        return [used]
    rows = [{name} for name in curves if name in used]
    others = used.difference(curves)
    return [*rows, others] if others else rows


def _draw_ribbon(
    axes,
    segments: Sequence[Segment],
    sets: Sequence[frozenset[str]],
    rows: Sequence[set[str]],
    palette: dict,
) -> None:
    for (begin, end), labels in zip(segments, sets):
        if UNREADABLE in labels:
            axes.axvspan(begin, end, **_UNREADABLE_STYLE)
        elif not labels:
            axes.axvspan(begin, end, color=palette.get(None, OTHERS), linewidth=0)
        for row, names in enumerate(reversed(rows)):
            for name in labels & names:
                height = dict(ymin=row / len(rows), ymax=(row + 1) / len(rows))
                color = palette.get(name, OTHERS)
                axes.axvspan(begin, end, color=color, linewidth=0, **height)
    axes.set_yticks([])
    axes.set_ylabel(
        'recognized', fontsize=FONT, rotation=0, ha='right', va='center', labelpad=4
    )
    minutes = segments[-1][1] >= 60
    axes.set_xlabel('minutes:seconds' if minutes else 'seconds', fontsize=FONT)
    axes.tick_params(labelsize=FONT)
    if minutes:
        axes.xaxis.set_major_formatter(lambda value, _: _tick(value))


def _tick(seconds: float) -> str:
    return clock(seconds) if seconds >= 60 else f'0:{seconds:02.0f}'


_UNREADABLE_STYLE: dict[str, Any] = dict(
    facecolor='white', edgecolor='gray', hatch='///', linewidth=0
)


def _keys(
    labels: Sequence[Labels],
    confidences: dict[str, Sequence[float]],
    palette: dict,
    threshold: float,
) -> list[tuple]:
    """What the legend explains: lines and areas, with their names."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[tuple] = [
        (
            Line2D([], [], color=palette[name], marker='.', linewidth=3),
            shorten(name, 48, placeholder='…') or name[:48],
        )
        for name in confidences
    ]
    sets = [_as_set(label) for label in labels]
    used = set[str]().union(*sets)
    if used.difference(confidences, [UNREADABLE]):
        keys.append((Patch(color=OTHERS), 'another class'))
    if not all(sets) or threshold:
        keys.append((Patch(color=palette[None]), 'none of these'))
    if threshold:
        line = Line2D([], [], color='black', linewidth=1, linestyle=':')
        keys.append(
            (line, f'threshold, {100 * threshold:.4g} %: below it none of these')
        )
    if UNREADABLE in used:
        keys.append((Patch(**_UNREADABLE_STYLE), 'could not be read'))
    return keys


def _draw_legend(figure, keys: Sequence[tuple]) -> None:
    legend = figure.legend(
        *zip(*keys),
        loc='outside lower center',
        ncols=COLUMNS,
        fontsize=FONT,
        frameon=False,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
