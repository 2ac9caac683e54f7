"""Results of `bike label`, read again: JSON lines, CSV, TSV or Parquet."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from ..errors import TextError
from ..text_files import PATHS, raw_lines
from .tables import Field, Row, columns_of, kind_of, read_table

# Column of all labels, where there may be several; input may have its 'labels'.
SEVERAL = 'labels_above_threshold'


class Result(NamedTuple):
    """A row, of a video or of a piece of one.

    Attributes:
        path (str): Of the video.
        label (str, optional): None for "none of these".
        confidence (float): Of the likeliest class.
        margin (float): By how much it is above that of the second; 1 if only
            one class was named. Where there may be several labels, how far the
            most doubtful class is from 0.5, from 0 to 1.
        segment (tuple[float, float], optional): Begin and end in seconds.
        error (str, optional): Why it could not be read.
        labels (dict[str, float]): Of all that it is labelled with, by name, the
            confidence: one for ``label``, or several where they may be.
        has_several (bool): Whether it may have several labels, each with a
            confidence of its own.
        row (dict): All columns as they are.
    """

    path: str
    label: Optional[str]
    confidence: float
    margin: float
    segment: Optional[tuple[float, float]]
    error: Optional[str]
    labels: dict[str, float]
    has_several: bool
    row: Row


def read_results(path: str, path_column: str) -> Iterator[Result]:
    """The rows of a result.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no result of `bike label`; names the row.
    """
    rows = _json_lines(path) if kind_of(path) == '.jsonl' else read_table(path)
    for number, row in enumerate(rows, 1):
        try:
            yield _result_of(row, path_column)
        except (KeyError, TypeError, ValueError) as error:
            what = f'no column {error}' if isinstance(error, KeyError) else str(error)
            raise ValueError(
                f"'{path}' row {number} is not as `bike label` writes it ({what}); "
                'another column of paths is named by --path-column'
            ) from error


def fields_of(path: str) -> list[Field]:
    """The columns of a result that has a row."""
    if kind_of(path) != '.jsonl':
        return columns_of(path)
    return [Field(name) for name in next(_json_lines(path), {})]


def _json_lines(path: str) -> Iterator[Row]:
    for number, line in enumerate(raw_lines(path, PATHS), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TextError(f"'{path}' line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise TextError(f"'{path}' line {number}: expected an object")
        yield row


def _result_of(row: Row, path_column: str) -> Result:
    start, end = (_number(row.get(key)) for key in ('start', 'end'))
    values = list(_predictions(row['predictions']).values())
    label, has_several = row['label'] or None, SEVERAL in row
    first = values[0] if values else 0.0
    margin = first - values[1] if len(values) > 1 else 1.0
    if has_several:
        margin = min((abs(2 * value - 1) for value in values), default=1.0)
        labels = _predictions(row[SEVERAL])
    else:
        labels = {} if label is None else {label: first}
    return Result(
        row[path_column],
        label,
        first,
        margin,
        None if start is None or end is None else (start, end),
        row['error'] or None,
        labels,
        has_several,
        row,
    )


def _number(value: Any) -> Optional[float]:
    return None if value in (None, '') else float(value)


def _predictions(value: Any) -> dict[str, float]:
    """Confidences by class, the highest first; CSV has the list as JSON text."""
    entries = json.loads(value) if isinstance(value, str) and value else value or []
    return {str(entry['class']): float(entry['confidence']) for entry in entries}
