"""Pictures of what was measured: ratios as bars, sizes as curves."""

import math
from collections.abc import Sequence
from typing import Any

from ..visualization.colors import PALETTE, for_matplotlib
from .measuring import Row, Spread
from .tables import short_names

_BAR = 0.3  # inches of height
_SIGN = 0.08  # of width, for a sign of a name
_PANEL = (3.9, 3.1)  # inches
_LITTLE = 8  # times the lowest value
_MARKS = 'osD^v<>P'
# Words in the names of figures that are ratios.
RATIOS = ('ratio', 'of_processor_time', 'against', 'the_same', 'MFU', 'HFU')
UNITS = {'ms': 'time, ms', 's': 'time, s', 'MiB': 'memory, MiB', 'GiB': 'memory, GiB'}


def draw(rows: Sequence[Row], path: str) -> None:
    """Curves where the rows have sizes, else bars.

    Args:
        rows (Sequence[Row]): Of a report.
        path (str): Of the picture.

    Raises:
        ValueError: if there is nothing to draw.
    """
    if any('axis' in figures for _, figures in rows):
        draw_curves([row for row in rows if 'axis' in row[1]], path)
    else:
        draw_ratios(rows, path)


def draw_ratios(rows: Sequence[Row], path: str) -> None:
    """Ratios of all subjects as bars, each with its spread.

    Args:
        rows (Sequence[Row]): Of a report.
        path (str): Of the picture.

    Raises:
        ValueError: if there is no ratio.
    """
    from matplotlib.figure import Figure  # slow to import

    title, names = short_names([name for name, _ in rows])
    bars = [
        (name, key.replace('_', ' '), value)
        for name, (_, figures) in zip(names, rows)
        for key, value in figures.items()
        if isinstance(value, Spread) and any(word in key for word in RATIOS)
    ]
    if not bars:
        raise ValueError('--plot draws ratios, and this benchmark has none')
    colors = {name: for_matplotlib(PALETTE[i % 18]) for i, name in enumerate(names)}
    labels = [f'{name}: {key}' if name else key for name, key, _ in bars]
    width = max(9, 5 + _SIGN * max(map(len, labels)))
    figure = Figure(figsize=(width, 1.3 + _BAR * len(bars)), layout='constrained')
    axes = figure.add_subplot()
    for place, (name, _, value) in enumerate(bars):
        axes.barh(place, value.median, height=0.7, color=colors[name], alpha=0.7)
        axes.plot([value.low, value.high], [place, place], color='black', linewidth=1.5)
        axes.text(value.high, place, f'  {value.median:.3g}', va='center')
    axes.set_yticks(range(len(bars)), labels)
    axes.invert_yaxis()
    axes.axvline(1, color='gray', linestyle=':')
    axes.set_xlabel('ratio, with its spread')
    axes.margins(x=0.1)
    _finish(figure, [axes], title, path)


def draw_curves(rows: Sequence[Row], path: str) -> None:
    """A column for each kind of size, a panel for each unit of its figures.

    Args:
        rows (Sequence[Row]): With 'axis', what the size is of, and 'at', the size.
        path (str): Of the picture.
    """
    from matplotlib.figure import Figure

    kinds = dict.fromkeys(name.partition(', ')[0] for name, _ in rows)
    title = '\n'.join(
        short_names([name for name, _ in rows if name.startswith(kind)])[0]
        for kind in kinds
    )
    columns = {
        axis: _panels([figures for _, figures in rows if figures['axis'] == axis])
        for axis in dict.fromkeys(str(figures['axis']) for _, figures in rows)
    }
    height = max(map(len, columns.values()))
    size = (max(7.0, _PANEL[0] * len(columns)), _PANEL[1] * height + 0.9)
    figure = Figure(figsize=size, layout='constrained')
    panels = figure.subplots(height, len(columns), squeeze=False)
    keys: dict[str, Any] = {}
    for column, (axis, units) in enumerate(columns.items()):
        for row in range(height):
            axes = panels[row][column]
            if row >= len(units):
                axes.set_visible(False)
                continue
            unit, lines = list(units.items())[row]
            _draw_panel(axes, axis, unit, lines, keys)
    figure.legend(
        keys.values(), keys, loc='outside lower center', ncols=min(len(keys), 4)
    )
    _finish(figure, panels.flat, title, path)


Line = list[tuple[float, Spread]]


def _panels(points: Sequence[dict]) -> dict[str, dict[str, Line]]:
    """Of one kind of size: lines by their names, by their units."""
    panels: dict[str, dict[str, Line]] = {}
    for figures in points:
        for key, value in figures.items():
            if not isinstance(value, Spread) or not value.unit:
                continue
            name = key.replace('_', ' ').replace('memory of ', '')
            lines = panels.setdefault(value.unit, {})
            lines.setdefault(name, []).append((_middle(figures['at']), value))
    return panels


def _middle(value: Any) -> float:
    """A size; of several runs, where it is the same in all, a spread."""
    return float(value.median if isinstance(value, Spread) else value)


def _draw_panel(
    axes: Any, axis: str, unit: str, lines: dict[str, Line], keys: dict[str, Any]
) -> None:
    """Both scales are logarithmic: what grows as the size does is a diagonal. But
    what hardly grows is shown from zero on."""
    lowest, highest = math.inf, 0.0
    for name, line in lines.items():
        place = list(keys).index(name) if name in keys else len(keys)
        x, y = [at for at, _ in line], [value.median for _, value in line]
        color, mark = for_matplotlib(PALETTE[place % 18]), _MARKS[place % len(_MARKS)]
        (keys[name],) = axes.plot(x, y, color=color, marker=mark, markersize=5)
        low, high = zip(*((value.low, value.high) for _, value in line))
        lowest, highest = min(lowest, *low), max(highest, *high)
        axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    axes.set_xscale('log')
    if highest > _LITTLE * lowest:
        axes.set_yscale('log')
        axes.yaxis.set_major_locator(_locator())
    else:
        axes.set_ylim(0, 1.15 * highest or 1)
    axes.set_xticks(x, [f'{at:g}' for at in x])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter('{x:g}')
    axes.grid(alpha=0.25)
    axes.set_xlabel(axis)
    axes.set_ylabel(UNITS.get(unit, unit))


def _locator() -> Any:
    """Ticks that are round, also where all values lie within a power of ten."""
    from matplotlib.ticker import LogLocator

    return LogLocator(base=10, subs=(1, 2, 5), numticks=12)


def _finish(figure: Any, panels: Any, title: str, path: str) -> None:
    for axes in panels:
        for side in ('top', 'right'):
            axes.spines[side].set_visible(False)
    figure.suptitle(title, fontsize=10, parse_math=False)
    figure.savefig(path, dpi=110)
