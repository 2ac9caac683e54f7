"""Tables of any length as files, row by row: CSV, TSV, Parquet, JSON lines."""

import csv
import importlib.util
import json
import os.path as osp
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Callable, NamedTuple, Optional

from ..errors import TextError
from ..files import flush
from ..text_files import PATHS, cut, raw_lines

READABLE = ('.csv', '.tsv', '.parquet')
WRITABLE = ('.jsonl', '.csv', '.tsv', '.parquet')
ROWS_AT_ONCE = 8192
# Paths may have bytes that are no UTF-8. In JSON they become escapes, such as
# \udce9, which Python reads back.
_ESCAPES = 'backslashreplace'
Row = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class Field(NamedTuple):
    """A column to write.

    Attributes:
        name (str): Its name.
        kind (Any): 'text', 'number'; a tuple of such fields, for a list of
            these; or a type of pyarrow. Only Parquet needs to know.
    """

    name: str
    kind: Any = 'text'


def kind_of(path: str) -> str:
    """The extension of a file, in small letters."""
    return osp.splitext(path)[1].lower()


def check_pyarrow(option: str, path: Optional[str]) -> None:
    """Refuse a Parquet file where nothing reads or writes it.

    Raises:
        ModuleNotFoundError: naming the option, and what to install.
    """
    if path and kind_of(path) == '.parquet' and not importlib.util.find_spec('pyarrow'):
        raise ModuleNotFoundError(
            f"{option} '{path}': Parquet needs pyarrow, which is not installed: "
            "pip install 'bike_mmaction[parquet]'; CSV needs nothing",
            name='pyarrow',
        )


def columns_of(path: str) -> list[Field]:
    """The columns of a table.

    Raises:
        ModuleNotFoundError: see :func:`check_pyarrow`.
        ValueError: if it cannot be read, or has a column twice.
    """
    if kind_of(path) == '.parquet':
        with _parquet(path) as file:
            fields = [Field(field.name, field.type) for field in file.schema_arrow]
    else:
        with closing(_lines(path)) as lines:
            header = next(lines, (1, []))[1]
            fields = [Field(name) for name in header]
    if not fields:
        raise ValueError(f"'{path}' has no columns: its first line must name them")
    twice = [name for name, n in Counter(f.name for f in fields).items() if n > 1]
    if twice:
        raise ValueError(f"'{path}' has two columns '{cut(twice[0])}': rename one")
    return fields


def read_table(path: str, columns: Optional[Sequence[str]] = None) -> Iterator[Row]:
    """The rows of a table.

    Args:
        path (str): The file.
        columns (Sequence[str], optional): Which are needed; of CSV all are
            given. Defaults to None: all.

    Raises:
        ModuleNotFoundError: see :func:`check_pyarrow`.
        ValueError: if it cannot be read, or a line is too long or too short;
            names the line.
    """
    if kind_of(path) == '.parquet':
        with _parquet(path) as file:
            for batch in file.iter_batches(
                ROWS_AT_ONCE, columns=None if columns is None else list(columns)
            ):
                yield from batch.to_pylist()
        return
    with closing(_lines(path)) as lines:
        _, names = next(lines, (1, []))
        for number, values in lines:
            if len(values) != len(names):
                if not ''.join(values).strip():
                    continue  # a line of spaces
                raise TextError(
                    f"'{path}' line {number}: {len(values)} values for "
                    f'{len(names)} columns ({cut(", ".join(names))})'
                )
            yield dict(zip(names, values))


def _lines(path: str) -> Generator[tuple[int, list[str]], None, None]:
    """Number and values of each line that is not empty."""
    delimiter = '\t' if kind_of(path) == '.tsv' else ','
    reader = csv.reader(raw_lines(path, PATHS, newline=''), delimiter=delimiter)
    try:
        for values in reader:
            if values:
                yield reader.line_num, values
    except csv.Error as error:
        raise TextError(f"'{path}' line {reader.line_num}: {error}") from error


@contextmanager
def _parquet(path: str) -> Iterator[Any]:
    check_pyarrow('table', path)
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"'{path}' is no Parquet file: {error}") from error
    with file:
        yield file


@contextmanager
def write_table(
    path: str, fields: Sequence[Field]
) -> Iterator[Callable[[Sequence[Row]], None]]:
    """Write a table piece by piece; at the end it is on the disk.

    Args:
        path (str): The file; its extension says what is written.
        fields (Sequence[Field]): The columns.

    Yields:
        Callable: Writes some rows, which have all columns.
    """
    kind = kind_of(path)
    if kind == '.parquet':
        with _parquet_writer(path, fields) as write:
            yield write
        flush(path)
        return
    errors = _ESCAPES if kind == '.jsonl' else PATHS
    with open(path, 'w', encoding='utf-8', errors=errors, newline='') as file:
        if kind == '.jsonl':
            yield lambda rows: file.writelines(f'{as_json(row)}\n' for row in rows)
        else:
            delimiter = '\t' if kind == '.tsv' else ','
            writer = csv.writer(file, delimiter=delimiter, lineterminator='\n')
            writer.writerow(field.name for field in fields)
            yield lambda rows: writer.writerows(map(_as_texts, rows))
    flush(path)


def as_json(value: Any) -> str:
    """A value of a row as JSON; dates and the like become text."""
    return _encode(value)


def _as_texts(row: Row) -> list[Any]:
    return [as_json(v) if isinstance(v, (dict, list)) else v for v in row.values()]


@contextmanager
def _parquet_writer(
    path: str, fields: Sequence[Field]
) -> Iterator[Callable[[Sequence[Row]], None]]:
    check_pyarrow('table', path)
    import pyarrow
    import pyarrow.parquet

    def type_of(kind: Any) -> Any:
        if isinstance(kind, tuple):
            parts = [(field.name, type_of(field.kind)) for field in kind]
            return pyarrow.list_(pyarrow.struct(parts))
        types = dict(text=pyarrow.string(), number=pyarrow.float64())
        return types[kind] if isinstance(kind, str) else kind

    schema = pyarrow.schema([(field.name, type_of(field.kind)) for field in fields])

    def write(rows: Sequence[Row]) -> None:
        rows = [{k: _as_utf8(v) for k, v in row.items()} for row in rows]
        writer.write_table(pyarrow.Table.from_pylist(rows, schema))

    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        yield write


def _as_utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode('utf-8', _ESCAPES).decode()
    return value
