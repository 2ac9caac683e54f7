"""A picture of a data set: clips, durations and sample frames of its classes."""

import warnings
from collections.abc import Sequence
from textwrap import shorten
from typing import NamedTuple, Optional

import numpy as np

PART_COLORS = dict(train='#4477aa', val='#ee8866', test='#44aa88')
ROW, HEAD, FOOT = 0.62, 0.95, 0.55  # inches
MOST_DOTS = 500  # of a class


class ClassRow(NamedTuple):
    """A class in the picture.

    Attributes:
        name (str): Of the class.
        counts (dict[str, int]): Clips by part.
        seconds (Sequence[float]): How long each clip is.
        frames (Sequence[np.ndarray]): Images [H, W, 3], RGB, uint8.
    """

    name: str
    counts: dict[str, int]
    seconds: Sequence[float]
    frames: Sequence[Optional[np.ndarray]]


def draw_data(
    path: str, rows: Sequence[ClassRow], title: str = '', note: str = ''
) -> None:
    """Write the picture: a row a class.

    Args:
        path (str): Image file to write; its suffix tells the format.
        rows (Sequence[ClassRow]): At least one.
        title (str): Text above. Defaults to ''.
        note (str): Text below. Defaults to ''.
    """
    from matplotlib.figure import Figure  # slow to import

    samples = max(len(row.frames) for row in rows)
    height, width = HEAD + FOOT + ROW * len(rows), _frame_width(rows)
    figure = Figure(figsize=(10.2 + width * samples, height))
    grid = figure.add_gridspec(
        len(rows),
        2 + samples,
        width_ratios=[4.4, 3.0, *[width] * samples],
        left=2.6 / figure.get_figwidth(),
        right=1 - 0.15 / figure.get_figwidth(),
        top=1 - HEAD / height,
        bottom=FOOT / height,
        wspace=0.08,
        hspace=0.12,
    )
    counts = figure.add_subplot(grid[:, 0])
    _draw_counts(counts, rows)
    _draw_durations(figure.add_subplot(grid[:, 1], sharey=counts), rows)
    for line, row in enumerate(rows):
        for column, frame in enumerate(row.frames):
            axes = figure.add_subplot(grid[line, 2 + column])
            axes.set_axis_off()
            if frame is not None:
                axes.imshow(frame)
            if line == 0 and column == 0:
                axes.set_title('sample frames', fontsize=10, loc='left')
    at_top = 1 - 0.3 / height
    figure.text(0.01, at_top, title, fontsize=13, weight='bold', parse_math=False)
    figure.text(0.01, 0.12 / height, note, fontsize=9, parse_math=False)
    with warnings.catch_warnings():  # of signs that no font of matplotlib has
        warnings.filterwarnings('ignore', 'Glyph .* missing')
        figure.savefig(path, dpi=100)


def _frame_width(rows: Sequence[ClassRow]) -> float:
    """Inches for a sample frame, as wide as most are."""
    shapes = [f.shape for row in rows for f in row.frames if f is not None]
    ratio = float(np.median([w / h for h, w, _ in shapes])) if shapes else 1.0
    return min(max(ROW * ratio, 0.5), 1.3) + 0.1


def _draw_counts(axes, rows: Sequence[ClassRow]) -> None:
    places = range(len(rows))
    left = np.zeros(len(rows))
    for part, color in PART_COLORS.items():
        widths = np.array([row.counts.get(part, 0) for row in rows])
        if widths.any():
            axes.barh(places, widths, 0.72, left, color=color, label=part)
        left += widths
    for place, total in zip(places, left):
        axes.text(total, place, f' {total:.0f}', va='center', fontsize=9)
    axes.set_yticks(
        places, [shorten(row.name, 34, placeholder='…') or row.name for row in rows]
    )
    for text in axes.get_yticklabels():
        text.set(fontsize=10, parse_math=False)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1.12 * max(left.max(), 1)))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= left.max()])
    axes.set_title('clips', fontsize=10, loc='left')
    axes.legend(
        loc='lower right', bbox_to_anchor=(1, 1), ncols=3, fontsize=9, frameon=False
    )
    _tidy(axes)


def _draw_durations(axes, rows: Sequence[ClassRow]) -> None:
    """A dot a clip; the line is their median."""
    longest = max(max(row.seconds, default=0) for row in rows)
    shortest = min(min(row.seconds, default=longest) for row in rows)
    for place, row in enumerate(rows):
        seconds = np.sort(np.asarray(row.seconds, float))
        if not len(seconds):
            continue
        shown = seconds[:: len(seconds) // MOST_DOTS + 1]
        height = place + 0.5 * (np.arange(len(shown)) * 0.618 % 1 - 0.5)
        axes.scatter(shown, height, s=7, color='#555555', alpha=0.5, linewidths=0)
        median = float(np.median(seconds))
        axes.plot([median] * 2, [place - 0.36, place + 0.36], color='#cc3311', lw=1.8)
        axes.text(longest, place, f'  {median:.3g}', va='center', fontsize=9)
    if shortest > 0 and longest / shortest > 20:
        axes.set_xscale('log')
        axes.set_xlim(shortest / 1.5, longest * 2.5)
    else:
        axes.set_xlim(0, 1.18 * longest or 1)
    axes.xaxis.set_major_formatter('{x:g}')
    axes.tick_params(labelleft=False)
    axes.set_title('seconds (line and number: median)', fontsize=10, loc='left')
    _tidy(axes)


def _tidy(axes) -> None:
    axes.tick_params(axis='y', length=0)
    axes.tick_params(axis='x', labelsize=9)
    axes.grid(axis='x', color='#e4e4e4', linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
