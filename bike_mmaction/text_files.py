"""The one way to read text: lists, names, tables and JSON, with places for messages.

All of it is UTF-8, with a byte order mark or without, with lines that end as
on Unix or Windows. Spaces around a line are nothing. What is no such text is
refused by file and line. A line that is ``#`` or begins with ``# `` is a
comment; ``#1.mp4`` is a name.
"""

import codecs
import csv
import json
import json.decoder
import json.scanner
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Optional

from .errors import TextError
from .terminal import printable

_MARKS = {
    codecs.BOM_UTF32_LE: 'UTF-32',  # begins as UTF-16 does
    codecs.BOM_UTF32_BE: 'UTF-32',
    codecs.BOM_UTF16_LE: 'UTF-16',
    codecs.BOM_UTF16_BE: 'UTF-16',
}
# For bytes that are no UTF-8. Official files may have some in descriptions, of
# which nothing is used; names of files may have them, and keep them.
OFFICIAL, PATHS = 'replace', 'surrogateescape'
CURE = 'save the file as UTF-8'
TOO_DEEP = 'it is nested too deeply'


def read_lines(
    path: str, blanks: bool = False, errors: str = 'strict'
) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is no comment, without spaces around.

    Args:
        path (str): The file; it is read as far as lines are taken.
        blanks (bool): Whether blank lines are told too, as ``''``, but for
            those at the end. Defaults to False.
        errors (str): What becomes of bytes that are no UTF-8, as ``open`` has
            it: ``OFFICIAL`` or ``PATHS``. Defaults to 'strict': they are
            refused.

    Raises:
        OSError: if it cannot be read.
        TextError: if it is no text of UTF-8; names file and line.
    """
    blank: list[int] = []
    for number, line in enumerate(raw_lines(path, errors), 1):
        line = line.strip()
        if not line:
            blank.append(number)
        elif line != '#' and not line.startswith('# '):
            if blanks:
                yield from ((n, '') for n in blank)
            blank.clear()
            yield number, line


def raw_lines(
    path: str, errors: str = 'strict', newline: Optional[str] = None
) -> Iterator[str]:
    """The lines of a file as they are; see :func:`read_lines` and ``open``."""
    with open_text(path, errors, newline) as file:
        for number, line in enumerate(file, 1):
            if '\0' in line:
                raise TextError(f"'{path}' line {number} is no text: a zero byte in it")
            yield line


def read_parts(path: str, size: int) -> Iterator[str]:
    """A file in parts of so many characters.

    Raises:
        OSError, TextError: as :func:`read_lines`.
    """
    with open_text(path) as file:
        while part := file.read(size):
            yield part


@contextmanager
def open_text(
    path: str, errors: str = 'strict', newline: Optional[str] = None
) -> Iterator[IO[str]]:
    """A file to read text from, see :func:`read_lines`."""
    with open(path, 'rb') as content:
        begin = content.read(4)
    for mark, name in _MARKS.items():
        if begin.startswith(mark):
            raise TextError(f"'{path}' is text of {name}, not of UTF-8: {CURE}")
    try:
        with open(path, encoding='utf-8-sig', errors=errors, newline=newline) as file:
            yield file
    except UnicodeDecodeError as error:
        raise TextError(
            f"'{path}' line {_bad_line(path)} is not UTF-8 text "
            f'({error.reason}): {CURE}'
        ) from None


def _bad_line(path: str) -> int:
    """The first line that is no UTF-8."""
    with open(path, 'rb') as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def read_text(path: str) -> str:
    """All of a file.

    Raises:
        OSError, TextError: as :func:`read_lines`.
    """
    return ''.join(raw_lines(path))


def read_fields(path: str, count: int, example: str) -> Iterator[tuple]:
    """Place and fields of each line of an official text file.

    Args:
        path (str): The file.
        count (int): Fields that every line must have.
        example (str): Such a line, for the message.

    Raises:
        TextError: if a line has more or fewer.
    """
    for number, line in read_lines(path, errors=OFFICIAL):
        fields = line.split()
        if len(fields) != count:
            raise TextError(
                f"'{path}' line {number}: expected a line "
                f"such as '{example}', got {shorten(line)}"
            )
        yield f"'{path}' line {number}", fields


def read_rows(path: str, columns: Sequence[str], hint: str = '') -> Iterator[tuple]:
    """Place and row of each line of an official csv with a header.

    Args:
        path (str): The file.
        columns (Sequence[str]): Those that it must have.
        hint (str): What the message of an absent column ends with.

    Raises:
        TextError: if a column is absent, or a line too short.
    """
    reader = csv.DictReader(raw_lines(path, OFFICIAL, newline=''))
    try:
        names = reader.fieldnames or ()
        absent = [c for c in columns if c not in names]
        if absent:
            raise TextError(
                f"'{path}' line 1: the header has no column "
                f'{", ".join(absent)}; expected a csv with '
                f'{",".join(columns)}{hint}'
            )
        for row in reader:
            where = f"'{path}' line {reader.line_num}"
            short = [c for c in columns if row[c] is None]
            if short and not (row[names[0]] or '').strip():
                continue  # a blank line of spaces
            if short:
                raise TextError(f'{where}: no {short[0]}, the line ends before')
            yield where, row
    except csv.Error as error:
        raise TextError(f"'{path}' line {reader.line_num + 1}: {error}") from None


def read_number(text: str, name: str, where: str) -> float:
    """A finite number.

    Args:
        text (str): The number.
        name (str): What messages call it.
        where (str): File and line, for messages.

    Raises:
        TextError: if it is none.
    """
    try:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return number
    except ValueError:
        raise TextError(f'{where}: {name}={text!r} is no number') from None


def read_json(path: str) -> Any:
    """The content of a JSON file, in which no object has a key twice.

    Raises:
        OSError: if it cannot be read.
        TextError: if it is no JSON; names file and line.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=object_of)
    except RepeatedKeyError as error:
        place = _place_of_second(text, error.key)
        number = text.count('\n', 0, place) + 1
        raise TextError(f"'{path}' line {number}: {error}") from None
    except json.JSONDecodeError as error:
        raise TextError(
            f"'{path}' line {error.lineno} is not JSON: {error.msg} "
            f'(column {error.colno})'
        ) from None
    except RecursionError:
        raise TextError(f"'{path}' is not JSON that can be read: {TOO_DEEP}") from None


class RepeatedKeyError(TextError):
    """An object of JSON has a key twice, and nobody can tell which counts."""

    def __init__(self, key: str) -> None:
        super().__init__(f'the key {shorten(key)} is there again in the same object')
        self.key = key


def object_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        RepeatedKeyError: if it has a key twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKeyError(key)
            seen.add(key)
    return content


class _Placing(json.JSONDecoder):
    """A slow decoder that knows where an object with a key twice begins."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=object_of)
        self.begin: Optional[int] = None
        self.parse_object = self._parse_object
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore

    def _parse_object(self, text_and_begin: tuple[str, int], *args: Any) -> Any:
        try:
            return json.decoder.JSONObject(text_and_begin, *args)  # type: ignore
        except RepeatedKeyError:
            if self.begin is None:  # of the innermost
                self.begin = text_and_begin[1]
            raise


def _place_of_second(text: str, key: str) -> int:
    """Where a key stands for the second time in an object of JSON."""
    decoder = _Placing()
    with suppress(RepeatedKeyError, RecursionError):
        decoder.decode(text)
    begin = decoder.begin or 0
    quoted = (json.dumps(key), json.dumps(key, ensure_ascii=False))
    pattern = rf'({"|".join(map(re.escape, quoted))})\s*:'
    places = [match.start() for match in re.finditer(pattern, text[begin:])]
    return begin + places[1] if len(places) > 1 else begin


def shorten(value: Any) -> str:
    """A value for messages."""
    return cut(repr(value), 80)


def cut(text: str, most: int = 200) -> str:
    """The begin of a text as one line, for messages."""
    text = printable(text, in_one_line=True)
    return text if len(text) <= most else f'{text[: most - 3]}...'
