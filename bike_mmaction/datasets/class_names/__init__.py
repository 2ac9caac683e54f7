"""Lists of class names: built in, from a file, or given."""

import csv
import os.path as osp
import re
from collections.abc import Sequence
from functools import partial
from typing import Union

from ...text_files import read_lines, shorten

DELIMITERS = ',;\t'
_HERE = osp.dirname(__file__)
HEADS = ('cls_head', 'attributes_head')  # parts of a model that know classes
BUILT_IN = (
    'kinetics400',
    'ucf101',
    'hmdb51',
    'activitynet200',
    'charades157',
    'kinetics600_zeroshot_split1',
    'kinetics600_zeroshot_split2',
    'kinetics600_zeroshot_split3',
)


# Longer than others for its arguments.
def load_class_names(
    source: Union[str, Sequence[str]],
    what: str = 'class_names',
    built_in: Sequence[str] = BUILT_IN,
) -> list[str]:
    """Class names in the order of their labels.

    Args:
        source (str | Sequence[str]): A built-in list (``BUILT_IN``), the
            path of a file (a name a line, or a csv with the header
            ``id,name``, separated by commas, semicolons or tabs), or the
            names themselves.
        what (str): What messages call it.
        built_in (Sequence[str]): The lists that messages name.

    Returns:
        list[str]: The names.

    Raises:
        ValueError: if ``source`` is neither built in nor a file, or names
            are empty or repeated, or ids other than 0, 1, 2 ...
    """
    lines: Sequence[int] = ()
    if not isinstance(source, str):
        names, where = list(source), 'the given list'
    elif source in BUILT_IN or osp.isfile(source):
        built = osp.join(_HERE, f'{source}.txt')
        names, lines = _read(built if source in BUILT_IN else source)
        where = f"'{source}'"
    else:
        hint = (
            '. `bike prepare` writes this file'
            if osp.basename(source) == 'class_names.txt'
            else ''
        )
        kind = 'a folder, no file' if osp.isdir(source) else 'no existing file'
        raise ValueError(
            f"{what}='{source}' is {kind} and no "
            f'built-in list; these are {tuple(built_in)}{hint}'
        )
    if not names:
        raise ValueError(f'{what}: {where} is empty')
    _check_different(names, what, where, lines)
    return names


def _check_different(
    names: Sequence[str], what: str, where: str, lines: Sequence[int]
) -> None:
    """Refuse names that are empty or repeated; tells the first of them."""
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            problem = 'is empty or no text'
        elif name in first:
            problem = f'is {name!r} again, as number {first[name] + 1}'
        else:
            first[name] = number
            continue
        place = f', line {lines[number]},' if lines else ''
        raise ValueError(f'{what}: number {number + 1} of {where}{place} {problem}')


def _read(path: str) -> tuple[list[str], list[int]]:
    """The names, and the line of each."""
    numbered = list(read_lines(path, blanks=True))
    numbers, lines = [n for n, _ in numbered], [line for _, line in numbered]
    delimiter = next(filter(partial(_is_header, lines), DELIMITERS), None)
    if delimiter is None:
        if lines and re.match(f'0 *[{DELIMITERS}]', lines[0]):
            raise ValueError(
                f"'{path}' looks like a csv: its first line "
                "must be the header 'id,name'"
            )
        return lines, numbers
    names: list[str] = []
    places: list[int] = []
    for place, line in zip(numbers[1:], lines[1:]):
        if not line:
            continue
        number = len(names)
        row = _cells(line, delimiter)
        if len(row) != 2 or row[0].strip() != str(number):
            raise ValueError(
                f"'{path}' line {place}: expected '{number}{delimiter}"
                f"<class name>', got {shorten(line)}"
            )
        names.append(row[1].strip())
        places.append(place)
    return names, places


def _is_header(lines: Sequence[str], delimiter: str) -> bool:
    cells = _cells(lines[0], delimiter) if lines else ()
    return [cell.strip().lower() for cell in cells] == ['id', 'name']


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line of a csv; none of what is no such line."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # of a cell that is too long
        return []
