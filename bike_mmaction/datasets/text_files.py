"""Lines and rows of text files, each with its place, for messages."""

import csv
import math
from collections.abc import Iterator, Sequence


def read_fields(path: str, count: int, example: str) -> Iterator[tuple]:
    """Place and fields of each line of a text file.

    Args:
        path (str): The file.
        count (int): Fields that every line must have.
        example (str): Such a line, for the message.

    Raises:
        ValueError: if a line has more or fewer.
    """
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if fields and len(fields) != count:
                raise ValueError(
                    f"'{path}' line {number}: expected a line "
                    f"such as '{example}', got {line.strip()!r}"
                )
            if fields:
                yield f"'{path}' line {number}", fields


def read_rows(path: str, columns: Sequence[str], hint: str = '') -> Iterator[tuple]:
    """Place and row of each line of a csv with a header.

    Args:
        path (str): The file.
        columns (Sequence[str]): Those that it must have.
        hint (str): What the message of an absent column ends with.

    Raises:
        ValueError: if a column is absent, or a line too short.
    """
    with open(path, encoding='utf-8-sig', errors='replace', newline='') as file:
        reader = csv.DictReader(file)
        absent = [c for c in columns if c not in (reader.fieldnames or ())]
        if absent:
            raise ValueError(
                f"'{path}' line 1: the header has no column "
                f'{", ".join(absent)}; expected a csv with '
                f'{",".join(columns)}{hint}'
            )
        for row in reader:
            where = f"'{path}' line {reader.line_num}"
            short = [c for c in columns if row[c] is None]
            if short:
                raise ValueError(f'{where}: no {short[0]}, the line ends before')
            yield where, row


def read_number(text: str, name: str, where: str) -> float:
    """A finite number.

    Args:
        text (str): The number.
        name (str): What messages call it.
        where (str): File and line, for messages.

    Raises:
        ValueError: if it is none.
    """
    try:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return number
    except ValueError:
        raise ValueError(f'{where}: {name}={text!r} is no number') from None
