"""``python -m bike_mmaction.compat``: the remedies, and which are applied."""

from .registry import SWITCH, Remedy, remedies

COLUMNS = ('remedy', 'package', 'versions', 'state', 'what is wrong without it')


def table(listed: list[Remedy]) -> str:
    """The remedies, a line each, below a line of headings."""
    rows = [COLUMNS] + [
        (one.name, one.package, one.versions, one.outcome, one.mends) for one in listed
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    )


if __name__ == '__main__':
    print(table(remedies()))
    print(f'\nSwitch off: {SWITCH}=NAME,NAME or {SWITCH}=all (but for the import)')
