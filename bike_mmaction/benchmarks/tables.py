"""The figures of all subjects side by side."""

from collections.abc import Sequence

from .measuring import Row, shown

IN_NAMES = ('axis', 'at')  # of what is drawn: the names tell them, too


def table(rows: Sequence[Row]) -> str:
    """A table in Markdown, with what all names have in common above it.

    The fewer of subjects and kinds of figures are its columns.

    Args:
        rows (Sequence[Row]): Of a report.
    """
    title, names = short_names([name for name, _ in rows])
    keys = list(dict.fromkeys(key for _, figures in rows for key in figures))
    keys = [key for key in keys if key not in IN_NAMES]
    cells = [[shown(figures.get(key, '')) for key in keys] for _, figures in rows]
    heads = [key.replace('_', ' ') for key in keys]
    lines = [[name, *row] for name, row in zip(names, cells)]
    lines.insert(0, ['', *heads])
    if len(names) < len(heads):
        lines = [list(column) for column in zip(*lines)]
    text = '\n'.join(_aligned(lines))
    return f'{title}:\n\n{text}' if title else text


def short_names(names: Sequence[str]) -> tuple[str, list[str]]:
    """What comma-separated names have in common, and what of each is left.

    Args:
        names (Sequence[str]): Such as 'test, a, cpu' and 'test, b, cpu'.
    """
    split = [name.split(', ') for name in names]
    common = [part for part in split[0] if all(part in other for other in split)]
    left = [', '.join(part for part in one if part not in common) for one in split]
    return ', '.join(common), left


def _aligned(lines: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines = [lines[0], ['-' * width for width in widths], *lines[1:]]
    return [
        '| ' + ' | '.join(f'{cell:<{w}}' for cell, w in zip(line, widths)) + ' |'
        for line in lines
    ]
