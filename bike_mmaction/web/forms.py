"""Uploads as browsers send them: forms of one file.

Gradio opens a file for each of up to a thousand parts, and keeps in memory what is
no file, whatever its size.
"""

from typing import Any


class FormError(ValueError):
    """An upload that is no form of one file."""


class OneFile:
    """Follows a form while it is received.

    It is read by the parser that Gradio uses, so that both see the same parts.

    Args:
        content_type (str): The header.

    Raises:
        FormError: if it is no form.
    """

    def __init__(self, content_type: str) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        if kind != b'multipart/form-data' or not options.get(b'boundary'):
            raise FormError('an upload is a form (multipart/form-data)')
        self._parse_options = parse_options_header
        self._parts = 0
        self._field, self._value, self._names = b'', b'', b''
        # Only what is needed: contents are not looked at.
        callbacks: Any = {
            'on_part_begin': self._begin,
            'on_header_field': self._add_to_field,
            'on_header_value': self._add_to_value,
            'on_header_end': self._end_header,
            'on_headers_finished': self._end_head,
        }
        self._parser = MultipartParser(options[b'boundary'], callbacks)

    def add(self, content: bytes) -> None:
        """More of it has come.

        Raises:
            FormError: if it has several parts, or one that is no file.
        """
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(content)
        except FormParserError as error:
            raise FormError(f'the upload is damaged: {error}') from error

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise FormError('an upload is one file: send others by themselves')

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b'content-disposition':
            self._names = self._value
        self._field = self._value = b''

    def _end_head(self) -> None:
        _, options = self._parse_options(self._names)
        if b'filename' not in options:
            raise FormError('an upload is a file, with a name')
