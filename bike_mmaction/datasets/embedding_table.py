"""The table of a store of frame embeddings: which rows are of which video."""

import csv
import os
import os.path as osp
from array import array
from collections.abc import Iterator
from typing import NamedTuple, Optional

import numpy as np

from ..text_files import PATHS, raw_lines

NAME = 'videos.csv'
NO_LINE_BREAKS = 'its path has a line break: rename it'
HEADER = 'path start end sample first rows size mtime_ns error'.split()


class Video(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        path (str): Its file, or the folder of its frames.
        start (float, optional): Begin of the segment, as the list has it.
        end (float, optional): Its end.
    """

    path: str
    start: Optional[float] = None
    end: Optional[float] = None

    @property
    def key(self) -> str:
        """One text for all of it."""
        if self.start is None:
            return self.path
        return f'{self.path}\0{self.start!r}\0{self.end!r}'


class Entry(NamedTuple):
    """What is known of a sample of a video.

    Attributes:
        video (Video): The video.
        sample (int): Number of the sample.
        first (int): Its first row.
        rows (int): How many rows it has; 0 after an error.
        size (int): Bytes of the file; -1 if there was none.
        mtime_ns (int): When the file was changed.
        error (str): Why there are no embeddings; '' if there are.
    """

    video: Video
    sample: int
    first: int
    rows: int
    size: int
    mtime_ns: int
    error: str = ''

    def fields(self) -> list:
        """As in a line of the table."""
        path, start, end = self.video
        numbers = self.sample, self.first, self.rows, self.size, self.mtime_ns
        times = ['' if time is None else repr(time) for time in (start, end)]
        return [path, *times, *numbers, ' '.join(self.error.split())]


class EmbeddingTable:
    """The entries of a store; of several of one sample the last counts.

    A line that a kill has torn is left out. In memory an entry takes some
    tens of bytes, and each different path.

    Args:
        folder (str): Of the store.
    """

    def __init__(self, folder: str) -> None:
        self.path = osp.join(folder, NAME)
        self.videos: list[Video] = []
        self._numbers: dict[str, int] = {}
        self._columns = [array('q') for _ in range(6)]
        self._errors: dict[int, str] = {}
        if osp.exists(self.path):
            for entry in _read(self.path):
                self.add(entry)
        self._by_sample = np.empty((0, 0), np.int64)
        self._known = -1

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, entry: Entry) -> None:
        """Add one in memory."""
        key = entry.video.key
        if key not in self._numbers:
            self._numbers[key] = len(self.videos)
            self.videos.append(entry.video)
        values = self._numbers[key], *entry[1:6]
        for column, value in zip(self._columns, values):
            column.append(value)
        if entry.error:
            self._errors[len(self) - 1] = entry.error

    def entry(self, number: int) -> Entry:
        """The entry of a number."""
        video, *values = (column[number] for column in self._columns)
        sample, first, rows, size, mtime_ns = values
        error = self._errors.get(number, '')
        return Entry(self.videos[video], sample, first, rows, size, mtime_ns, error)

    def find(self, video: Video, sample: int = 0) -> Optional[Entry]:
        """The entry of a sample; None if there is none."""
        number = self._numbers.get(video.key, -1)
        numbers = self._current()
        if number < 0 or not 0 <= sample < numbers.shape[1]:
            return None
        place = int(numbers[number, sample])
        return None if place < 0 else self.entry(place)

    def current(self) -> Iterator[Entry]:
        """All entries that count, video after video."""
        for number in self._current().reshape(-1).tolist():
            if number >= 0:
                yield self.entry(number)

    def num_rows(self) -> int:
        """Rows that the arrays must have."""
        first, rows = (np.asarray(self._columns[place]) for place in (2, 3))
        return int((first + rows).max(initial=0))

    def _current(self) -> np.ndarray:
        """Numbers of the entries that count [videos, samples]; -1: none."""
        if self._known != len(self):
            videos, samples = (np.asarray(self._columns[i]) for i in (0, 1))
            shape = len(self.videos), int(samples.max(initial=-1)) + 1
            self._by_sample = np.full(shape, -1, np.int64)
            self._by_sample[videos, samples] = np.arange(len(self))
            self._known = len(self)
        return self._by_sample


def _read(path: str) -> Iterator[Entry]:
    lines = raw_lines(path, PATHS, newline='')
    for fields in csv.reader(line for line in lines if line.endswith('\n')):
        if len(fields) != len(HEADER) or fields == HEADER:
            continue
        start, end = (float(time) if time else None for time in fields[1:3])
        sample, first, rows, size, mtime_ns = map(int, fields[3:8])
        video = Video(fields[0], start, end)
        yield Entry(video, sample, first, rows, size, mtime_ns, fields[8])


def has_line_break(path: str) -> bool:
    """Whether a path cannot be in the table, which has a line for each."""
    return '\n' in path or '\r' in path


def append_entries(folder: str, entries: list[Entry]) -> None:
    """Write entries behind those of the table, which is made if it is absent.

    Args:
        folder (str): Of the store.
        entries (list[Entry]): Whose rows are on the disk.

    Raises:
        ValueError: if a path has a line break, which nothing could tell from
            a torn line.
    """
    for entry in entries:
        if has_line_break(entry.video.path):
            raise ValueError(f'{entry.video.path!r}: {NO_LINE_BREAKS}')
    path = osp.join(folder, NAME)
    size = _cut_torn_line(path)
    with open(path, 'a', encoding='utf-8', errors=PATHS, newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        if not size:
            writer.writerow(HEADER)
        writer.writerows(entry.fields() for entry in entries)
        file.flush()
        os.fsync(file.fileno())


def _cut_torn_line(path: str) -> int:
    """Cut off what a kill has left of a line; bytes of the file then."""
    if not osp.exists(path):
        return 0
    with open(path, 'rb+') as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - 4096)
            file.seek(begin)
            place = file.read(end - begin).rfind(b'\n')
            if place >= 0:
                end = begin + place + 1
                break
            end = begin
        file.truncate(end)
    return end
