"""Lists of class names: built in, from a file, or given."""

import csv
import os.path as osp
import re
from collections.abc import Sequence
from functools import partial
from typing import Union

DELIMITERS = ',;\t'
_HERE = osp.dirname(__file__)
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
    if not isinstance(source, str):
        names, where = list(source), 'the given list'
    elif source in BUILT_IN or osp.isfile(source):
        built = osp.join(_HERE, f'{source}.txt')
        names = _read(built if source in BUILT_IN else source)
        where = f"'{source}'"
    else:
        hint = (
            '. `bike prepare` writes this file'
            if osp.basename(source) == 'class_names.txt'
            else ''
        )
        raise ValueError(
            f"{what}='{source}' is no existing file and no "
            f'built-in list; these are {tuple(built_in)}{hint}'
        )
    if not names:
        raise ValueError(f'{what}: {where} is empty')
    _check_different(names, what, where)
    return names


def _check_different(names: Sequence[str], what: str, where: str) -> None:
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
        raise ValueError(f'{what}: number {number + 1} of {where} {problem}')


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding='utf-8-sig') as file:
            lines = file.read().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is not UTF-8 text: {error}") from error
    delimiter = next(filter(partial(_is_header, lines), DELIMITERS), None)
    if delimiter is None:
        if lines and re.match(f'0 *[{DELIMITERS}]', lines[0]):
            raise ValueError(
                f"'{path}' looks like a csv: its first line "
                "must be the header 'id,name'"
            )
        return [line.strip() for line in lines]
    rows = [row for row in csv.reader(lines[1:], delimiter=delimiter) if row]
    for number, row in enumerate(rows):
        if len(row) != 2 or row[0].strip() != str(number):
            raise ValueError(
                f"'{path}' line {number + 2}: expected '{number}{delimiter}"
                f"<class name>', got {delimiter.join(row)!r}"
            )
    return [row[1].strip() for row in rows]


def _is_header(lines: Sequence[str], delimiter: str) -> bool:
    cells = next(csv.reader(lines[:1], delimiter=delimiter), ())
    return [cell.strip().lower() for cell in cells] == ['id', 'name']
