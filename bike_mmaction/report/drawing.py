"""Pieces of the page: escaped text, tables, bars, charts."""

from collections.abc import Sequence
from html import escape

import numpy as np

from ..terminal import printable
from .curves import Points
from .measures import Interval

BLUE, ORANGE = '#1f77b4', '#e8710a'  # what is right, what is wrong
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 440, 220, 44, 34


def text(value: object) -> str:
    """Escaped, for the page and for attributes; names cannot turn its text."""
    return escape(printable(value), quote=True)


def percent(value: float) -> str:
    """Such as '86.2 %'; '–' where there is none."""
    return f'{100 * value:.1f} %' if np.isfinite(value) else '–'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = '') -> str:
    """A table that scrolls in itself; cells are HTML, the head is text."""
    top = ''.join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = ''.join(
        '<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>' for row in rows
    )
    return (
        f'<div class="scroll"><table class="{text(kind)}"><thead><tr>{top}</tr>'
        f'</thead><tbody>{body}</tbody></table></div>'
    )


def interval_bar(share: float, interval: Interval) -> str:
    """A bar of a share in [0, 1], with a line over its interval."""
    if not np.isfinite(share):
        return ''
    low, high = 100 * interval.low, 100 * interval.high
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" '
        'aria-hidden="true"><rect width="100" height="10" fill="#eceff3"/>'
        f'<rect width="{100 * share:.1f}" height="10" fill="{BLUE}" '
        f'opacity=".55"/><rect x="{low:.1f}" y="4" width="{high - low:.1f}" '
        'height="2" fill="#16324f"/></svg>'
    )


def matrix_table(matrix: np.ndarray, names: Sequence[str]) -> str:
    """A confusion matrix; rows are the classes of the videos."""
    head = ''.join(
        f'<th scope="col" title="{text(name)}">{k}</th>'
        for k, name in enumerate(names, 1)
    )
    body = []
    for k, (name, row) in enumerate(zip(names, matrix), 1):
        cells = ''.join(
            _matrix_cell(count, row.sum(), k - 1 == j, name, names[j])
            for j, count in enumerate(row)
        )
        body.append(
            f'<tr><th scope="row"><span>{k}</span> {text(name)}</th>{cells}</tr>'
        )
    return (
        '<div class="scroll"><table class="matrix"><thead><tr><th></th>'
        f'{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
    )


def _matrix_cell(count: int, total: int, is_right: bool, truth: str, other: str) -> str:
    if not count:
        return '<td></td>'
    share = count / total
    color = '31,119,180' if is_right else '232,113,10'
    ink = 'color:#fff;' if is_right and share > 0.6 else ''
    title = text(f'{truth}: {count} of {total} taken for {other}')
    return (
        f'<td style="{ink}background:rgba({color},{0.15 + 0.85 * share:.2f})" '
        f'title="{title}">{count}</td>'
    )


def line_chart(
    title: str, unit: str, series: Sequence[tuple[str, str, Points]], top: float
) -> str:
    """Lines over a common axis.

    Args:
        title (str): What is drawn.
        unit (str): Of the horizontal axis.
        series (Sequence[tuple[str, str, Points]]): Name, color, points.
        top (float): End of the vertical axis, which begins at 0.
    """
    last = max(x for _, _, points in series for x, _ in points) or 1
    width, height = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - 10

    def place(x: float, y: float) -> str:
        return f'{_LEFT + width * x / last:.1f},{10 + height * (1 - y / top):.1f}'

    parts = []
    for share in (0, 0.5, 1):
        y = 10 + height * (1 - share)
        label = f'{100 * share:.0f} %' if top == 1 else f'{share * top:.2g}'
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}h{width}" stroke="#dde2e8"/>'
            f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    for name, color, points in series:
        path = ' '.join(place(x, y) for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" '
            f'stroke-width="2"><title>{text(name)}</title></polyline>'
        )
    parts.append(
        f'<text x="{_LEFT}" y="{_HEIGHT - 16}" text-anchor="middle">0</text>'
        f'<text x="{_LEFT + width}" y="{_HEIGHT - 16}" text-anchor="end">'
        f'{last:g} {text(unit)}s</text>'
    )
    legend = ' '.join(
        f'<span><i style="background:{color}"></i>{text(name)}</span>'
        for name, color, _ in series
    )
    return (
        f'<figure><figcaption>{text(title)} <span class="legend">{legend}</span>'
        f'</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{text(title)}">{"".join(parts)}</svg></figure>'
    )
