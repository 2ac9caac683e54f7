"""A table with a clip a row: CSV, TSV or Parquet."""

import math
import re
from collections.abc import Sequence
from typing import Any, Optional

from ...errors import did_you_mean
from ...text_files import cut, shorten
from ..tables import check_pyarrow, columns_of, read_table
from .clips import Clip, Reading, ReadingOptions, read_part
from .paths import choose_root, place_path

KIND = 'table'
# What columns are called; the first is what messages ask for.
_NAMES = dict(
    path=('path', 'video', 'file', 'filename', 'video_path', 'clip'),
    label=('label', 'labels', 'class', 'classes', 'action', 'category'),
    start=('start', 'begin', 'start_time', 'start_s', 't_start'),
    end=('end', 'stop', 'end_time', 'end_s', 't_end'),
    group=('group', 'recording'),
    part=('split', 'part', 'subset', 'set'),
)
_CLOCK = re.compile(r'(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)')


def read_clip_table(path: str, options: ReadingOptions) -> Reading:
    """Read a table with columns path and label, and maybe others.

    ``start`` and ``end`` are seconds, or h:mm:ss; ``group`` keeps clips
    together, ``split`` says train, val or test.

    Raises:
        ModuleNotFoundError: if it is Parquet and pyarrow is absent.
        ValueError: if it is no table, or has no such columns; names them.
    """
    check_pyarrow('table', path)
    columns = find_columns(path, [f.name for f in columns_of(path)], options)
    rows = list(read_table(path))
    paths = [_text(row[columns['path']]) for row in rows]
    reading = Reading(KIND, choose_root(paths, path, options.root))
    for number, (row, name) in enumerate(zip(rows, paths), 1):
        place = f"'{path}' row {number}"
        values = {key: row[column] for key, column in columns.items()}
        _read_row(reading, values, name, place, options)
    names = (label for clip in reading.clips for label in clip.labels)
    reading.classes = sorted(dict.fromkeys(names))
    used = ', '.join(f'{k}: {c}' if k != c else k for k, c in columns.items())
    reading.remarks.append(f"columns of '{path}': {used}")
    return reading


def find_columns(
    path: str, names: Sequence[str], options: ReadingOptions
) -> dict[str, str]:
    """Which column of a table means what.

    Raises:
        ValueError: if a column that is needed or named is absent.
    """
    asked = dict(
        path=options.path_column, label=options.label_column, group=options.group_column
    )
    by_name = {name.strip().lower(): name for name in reversed(names)}
    columns: dict[str, str] = {}
    for key, usual in _NAMES.items():
        name = asked.get(key)
        if name is not None and name not in names:
            raise ValueError(_no_column(path, name, names, key))
        known = next((by_name[n] for n in usual if n in by_name), None)
        chosen = known if name is None else name
        if chosen is not None and chosen not in columns.values():
            columns[key] = chosen
        elif key in ('path', 'label'):
            raise ValueError(_no_column(path, usual[0], names, key))
    return columns


def _no_column(path: str, name: str, names: Sequence[str], key: str) -> str:
    hint = ''
    if len(names) == 1 and ';' in names[0]:
        hint = '; its columns are parted by semicolons: save it with commas'
    return (
        f"'{path}' has no column '{name}', only {cut(', '.join(names))}"
        f'{did_you_mean(name, names)}{hint} (--{key}-column names another)'
    )


def _read_row(
    reading: Reading,
    values: dict[str, Any],
    name: str,
    place: str,
    options: ReadingOptions,
) -> None:
    if not name:
        reading.leave_out('without path', place)
        return
    try:
        start, end = (read_seconds(values.get(key)) for key in ('start', 'end'))
    except ValueError as error:
        reading.leave_out('no time range', name, f'{place}: {error}')
        return
    if end is not None and start is None:
        start = 0.0
    if start is not None and not 0 <= start < (math.inf if end is None else end):
        detail = f'{place}: from {start:g} to {"the end" if end is None else end}'
        reading.leave_out('no time range', name, detail)
        return
    path = place_path(reading, name, place, options.root is not None)
    if path:
        reading.clips.append(
            Clip(
                path,
                part_labels(values['label'], options.separator),
                start,
                end,
                _text(values.get('group')),
                read_part(_text(values.get('part')), place),
                place,
            )
        )


def part_labels(value: Any, separator: str) -> tuple[str, ...]:
    """The labels of a cell: a list as Parquet has them, or text with separators."""
    if isinstance(value, (list, tuple)):
        texts = [_text(one) for one in value]
    else:
        pattern = f'[{re.escape(separator)}]' if separator else '(?!)'
        texts = re.split(pattern, _text(value))
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))


def read_seconds(value: Any) -> Optional[float]:
    """Seconds of a cell: a number, or text such as '12.5' or '1:02:12.5'.

    Raises:
        ValueError: if it is neither; None for an empty cell.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = _text(value)
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return 3600 * hours + 60 * minutes + seconds
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f'{shorten(text)} is no number of seconds')
    return number


def _text(value: Any) -> str:
    return '' if value is None else str(value).strip()
