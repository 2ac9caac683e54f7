"""Many videos as a user names them: folders, files, lists or a table, row by row."""

import hashlib
import os
import os.path as osp
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Union

from ..errors import TextError, did_you_mean
from ..files import has_extension
from ..shards import exists, videos_in_shards
from ..text_files import PATHS, cut, read_lines, shorten
from .folder_walk import walk_folders
from .tables import READABLE, Field, Row, check_pyarrow, columns_of, kind_of, read_table

LISTS = ('.txt',)
PATH = 'path'  # the column of the paths, unless a table has another
LABELS = 'labels'  # the column of what follows a path in a line of a list
_NUMBERS = re.compile(r'(.+?)((?:\s+-?\d+(?:\.\d+)?)+)')


class VideoTable:
    """Rows with a video each.

    Of each video only the path is kept in memory; a table is read again where
    its other columns are needed. A path may be in several rows.

    Args:
        inputs (str | Sequence[str]): Folders, whose videos are sought below
            them, also in tar files; video files; lists (.txt) with a path a
            line, or with lines of MMAction2, ``path label ...``; or one table
            (.csv, .tsv, .parquet).
        path_column (str): Of the table. Defaults to 'path'.
        root (str): Folder that relative paths of a list or table begin in.
            Defaults to '': where the process is.

    Attributes:
        paths (list[str]): All different paths, in the order of the rows, as
            they are written there.
        videos (array): Of each row, the position of its path in ``paths``.
        fields (list[Field]): The columns.
        sha256 (str): Digest of the paths of all rows.

    Raises:
        ModuleNotFoundError: if a table is Parquet, and pyarrow is absent.
        OSError: if something does not exist, or cannot be read.
        ValueError: if there are no videos, or a list or table is not one;
            names the place.
    """

    def __init__(
        self,
        inputs: Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]],
        path_column: str = PATH,
        root: str = '',
    ) -> None:
        if isinstance(inputs, (str, os.PathLike)):
            inputs = [inputs]
        self.inputs, self.root = [os.fspath(one) for one in inputs], root
        check_inputs(self.inputs, path_column)
        self.is_table = is_table(self.inputs)
        self.path_column = path_column if self.is_table else PATH
        numbers: dict[str, int] = {}
        self.videos, digest, labels = array('q'), hashlib.sha256(), []
        for row in self._read():
            path = _path_of(row, self.path_column)
            digest.update(path.encode('utf-8', 'surrogatepass') + b'\0')
            self.videos.append(numbers.setdefault(path, len(numbers)))
            if not self.is_table:
                labels.append(sys.intern(row.get(LABELS, '')))
        if not self.videos:
            raise ValueError(f'there are no videos in {", ".join(self.inputs)}')
        self.paths, self.sha256 = list(numbers), digest.hexdigest()
        self._labels = labels if any(labels) else None
        self.fields = [Field(PATH), *([Field(LABELS)] if self._labels else [])]
        if self.is_table:
            self.fields = columns_of(self.inputs[0])

    def __len__(self) -> int:
        return len(self.videos)

    def file_of(self, path: str) -> str:
        """Where the file of a path is."""
        return osp.join(self.root, path) if path else path

    def _read(self) -> Iterator[Row]:
        if self.is_table:
            yield from read_table(self.inputs[0], [self.path_column])
            return
        for one in self.inputs:
            if kind_of(one) in LISTS and not osp.isdir(one):
                yield from read_list(one)
            elif not has_extension(one) and not osp.isfile(one):
                yield from ({PATH: path} for path in videos_below(one))
            else:
                yield {PATH: one}

    def rows(self) -> Iterator[Row]:
        """All rows with all columns.

        Raises:
            RuntimeError: if the table is no longer what it was.
        """
        if self.is_table:
            yield from self._rows_of_table()
            return
        for row, video in enumerate(self.videos):
            labels = {LABELS: self._labels[row]} if self._labels else {}
            yield {PATH: self.paths[video], **labels}

    def _rows_of_table(self) -> Iterator[Row]:
        count, path = 0, ''
        for row in read_table(self.inputs[0]):
            path = _path_of(row, self.path_column)
            if count == len(self) or path != self.paths[self.videos[count]]:
                break
            yield row
            count += 1
        else:
            if count == len(self):
                return
        raise RuntimeError(
            f"'{self.inputs[0]}' has changed since it was read, in row {count + 1}: "
            'put the old one back and give the same command again'
        )


def _path_of(row: Row, column: str) -> str:
    value: Any = row[column]
    return value if isinstance(value, str) else '' if value is None else str(value)


def is_table(inputs: Sequence[str]) -> bool:
    """Whether the inputs are a table."""
    return any(kind_of(one) in READABLE and not osp.isdir(one) for one in inputs)


def check_inputs(inputs: Sequence[str], path_column: str = PATH) -> None:
    """What can be said at once of the inputs of a :class:`VideoTable`.

    A video file may be missing, which its row will say, but not all of them.

    Raises:
        ModuleNotFoundError, OSError, ValueError: as :class:`VideoTable`.
    """
    for one in inputs:
        if not exists(one) and not (has_extension(one) and any(map(exists, inputs))):
            raise FileNotFoundError(f"no such file or folder: '{one}'")
    if not is_table(inputs):
        return
    if len(inputs) > 1:
        raise ValueError(f'a table must be alone, got {", ".join(inputs)}')
    check_pyarrow('table', inputs[0])
    names = [field.name for field in columns_of(inputs[0])]
    if path_column not in names:
        raise ValueError(
            f"'{inputs[0]}' has no column '{path_column}', only {cut(', '.join(names))}"
            f'{did_you_mean(path_column, names)} (--path-column names another)'
        )


def read_list(path: str) -> Iterator[Row]:
    """Paths of a list, and what follows them as :data:`LABELS`, if anything.

    Numbers at the end of a line are labels only after a path that ends as
    those of video files do: paths may have spaces.

    Raises:
        TextError: if a line is of a segment, or no text; names it.
    """
    for number, line in read_lines(path, errors=PATHS):
        parts = _NUMBERS.fullmatch(line)
        if not parts or not has_extension(parts[1]):
            yield {PATH: line}
            continue
        labels = parts[2].split()
        if any('.' in label for label in labels):
            raise TextError(
                f"'{path}' line {number}: {shorten(line)} is a segment of a video, "
                'expected a whole one: a path, or a path and whole numbers'
            )
        yield {PATH: parts[1], LABELS: ' '.join(labels)}


def videos_below(folder: str) -> Iterator[str]:
    """Paths of the video files in a folder and below it, by name.

    Those in tar files come first. Links to folders are followed, but for those
    that lead in a circle.

    Raises:
        OSError: if a folder cannot be read.
        ShardError: if it has tar files, and their index is none, or not whole.
    """
    yield from videos_in_shards(folder)
    if not osp.isdir(folder):
        return
    for here, names in walk_folders(folder, _raise):
        yield from (osp.join(here, name) for name in names if has_extension(name))


def _raise(error: OSError) -> None:
    raise error
