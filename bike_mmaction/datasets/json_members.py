"""The members of a large JSON object one by one, without all of it in memory."""

import json
import re
from collections.abc import Iterator
from typing import Any, Callable, Optional

from ..errors import TextError
from ..text_files import TOO_DEEP, RepeatedKeyError, object_of, read_parts

_SPACE = re.compile(r'[ \t\n\r]*')
PART = 1 << 20  # characters that are read at once


class NoObjectError(TextError):
    """The file holds something else than an object; tells what."""


def read_members(
    path: str, change: Optional[Callable[[dict], Any]] = None
) -> Iterator[tuple[int, str, Any]]:
    """Line, key and value of each member of the object that a file holds.

    Args:
        path (str): A JSON file.
        change (Callable, optional): Takes each object inside of it and returns
            what is kept in its place. Defaults to None: all of it.

    Raises:
        NoObjectError: if it holds something else.
        OSError: if it cannot be read.
        TextError: if it is no JSON, or an object inside has a key twice;
            names file and line. Whether a key of the object itself comes
            again is for the caller to see.
    """

    def keep(pairs: list) -> Any:
        content = object_of(pairs)
        return content if change is None else change(content)

    text = _Text(path, json.JSONDecoder(object_pairs_hook=keep))
    try:
        if text.next() != '{':
            raise NoObjectError(type(text.value()).__name__)
        sign = text.take('{')
        if text.next() == '}':
            sign = text.take('}')
        while sign != '}':
            text.next()
            line = text.line()
            key = text.value('"')
            text.take(':')
            yield line, key, text.value()
            sign = text.take(',}')
        if text.next():
            raise json.JSONDecodeError('Extra data', text.text, text.place)
    except RepeatedKeyError as error:
        raise TextError(f"'{path}' line {text.line()}: {error}") from None
    except json.JSONDecodeError as error:
        raise TextError(
            f"'{path}' line {text.line(error.pos)} is not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise TextError(
            f"'{path}' line {text.line()} is not JSON that can be read: {TOO_DEEP}"
        ) from None


class _Text:
    """The text of a file, of which only what is being read is held."""

    def __init__(self, path: str, decoder: json.JSONDecoder) -> None:
        self.text, self.place = '', 0
        self._parts, self._decoder = read_parts(path, PART), decoder
        self._line, self._counted = 1, 0  # up to this place

    def line(self, place: Optional[int] = None) -> int:
        """The line of a place, or of where it is read next."""
        place = self.place if place is None else place
        if place < self._counted:
            return self._line - self.text.count('\n', place, self._counted)
        self._line += self.text.count('\n', self._counted, place)
        self._counted = place
        return self._line

    def next(self) -> str:
        """The next sign that is no space; '' at the end."""
        while True:
            match = _SPACE.match(self.text, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if not self._read_on():
                return ''

    def take(self, signs: str) -> str:
        """Go on behind the next sign, which must be one of these."""
        sign = self.next()
        if not sign or sign not in signs:
            message = f'expected {" or ".join(map(repr, signs))}'
            raise json.JSONDecodeError(message, self.text, self.place)
        self.place += 1
        return sign

    def value(self, begin: str = '') -> Any:
        """Go on behind the next value, which must begin with this sign."""
        while True:
            if begin and self.next() != begin:
                raise json.JSONDecodeError('expected a key', self.text, self.place)
            self.next()
            try:
                value, end = self._decoder.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self.text) - 9 or 'Unterm' in error.msg
                if not is_cut or not self._read_on():
                    raise
                continue
            # A number may go on in the next part.
            if end < len(self.text) or not self._read_on():
                self.place = end
                return value

    def _read_on(self) -> bool:
        """Hold one more part, and no more what is behind; false at the end."""
        part = next(self._parts, '')
        if part:
            self.line()
            self.text = self.text[self.place :] + part
            self.place = self._counted = 0
        return bool(part)
