"""Long MP4 files: only the parts that are asked for are read.

Their index tells which packets there are, but not when each is shown. Where
the frames have a constant rate, that is known of a group of pictures once it
is looked at: all of its frames are shown after those of the group before.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

import numpy as np
from av.video.stream import VideoStream

from .errors import DamagedVideoError
from .order import TINY, Order
from .packets import PacketSource, PacketTable

LONG_BYTES = 32 << 20  # smaller files are looked through as a whole


def table_of_index(stream: VideoStream, size: int) -> Optional[PacketTable]:
    """The packets by the index of the container; None if that is not enough.

    Args:
        stream (VideoStream): Of a MP4 or QuickTime file.
        size (int): Bytes of the file.
    """
    index: Any = getattr(stream, 'index_entries', None)  # of PyAV 17
    if index is None or not len(index) or stream.frames != len(index):
        return None
    table = PacketTable()
    end = max(table.add_entry(entry) for entry in index)
    steps = np.diff(np.array(table.dts, np.int64))
    whole = table.is_key(0) and end <= size and min(table.sizes) > TINY
    if not whole or not len(steps) or steps[0] <= 0 or (steps != steps[0]).any():
        return None
    return table


class LongOrder(Order):
    """The order of a file with a constant rate, group by group.

    Args:
        path (str): For messages.
        source (PacketSource): With a table of :func:`table_of_index`.
    """

    def __init__(self, path: str, source: PacketSource) -> None:
        table = source.table
        self._path, self._source, self._table = path, source.copy(), table
        self._lock = threading.Lock()
        self._step = table.dts[1] - table.dts[0]
        self._starts = [*table.keys, len(table)]
        hidden = np.array([table.is_hidden(n) for n in range(len(table))])
        # Of each group, how many frames are shown before it.
        self._before = np.append(0, np.cumsum(~hidden))[self._starts].tolist()
        self._loaded: dict[int, list[int]] = {}
        self._first: Optional[int] = None  # when the first frame is shown
        super().__init__(
            _Lazy(self._before[-1], self._shown_at),
            _Lazy(len(table), self._place_of),
            list(table.keys),
        )

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def is_steady(self) -> bool:
        """Whether frames are shown at a constant rate, as far as some tell."""
        total = len(self.shown)
        try:
            for place in range(5):
                self.shown[place * (total - 1) // 4]
        except (DamagedVideoError, IndexError):
            return False
        return total > 0

    def times(self) -> np.ndarray:
        """When frames are shown, in units of the stream [N + 1]."""
        self.shown[0]
        assert self._first is not None
        return self._first + self._step * np.arange(len(self.shown) + 1)

    def _shown_at(self, index: int) -> int:
        group = bisect_right(self._before, index) - 1
        return self._load(group)[index - self._before[group]]

    def _place_of(self, number: int) -> int:
        self._load(bisect_right(self._starts, number) - 1)
        return self._table.pts[number]

    def _load(self, group: int) -> list[int]:
        """Packets of a group in the order in which they are shown."""
        with self._lock:
            if group not in self._loaded:
                self._loaded[group] = self._look_at(group)
            return self._loaded[group]

    def _look_at(self, group: int) -> list[int]:
        table = self._table
        numbers = range(*self._starts[group : group + 2])
        times = dict(self._source.times(numbers))
        if len(times) < len(numbers):
            raise DamagedVideoError(self._path, 'its index names what is not there')
        for number, time in times.items():
            table.pts[number] = time
        shown = [n for n in numbers if not table.is_hidden(n)]
        shown.sort(key=times.__getitem__)
        before = self._before[group]
        if shown and self._first is None and before == 0:
            self._first = times[shown[0]]
        for index, number in enumerate(shown, before):
            if self._first is None or times[number] != self._first + index * self._step:
                raise DamagedVideoError(
                    self._path, 'its frames are not as regular as its index'
                )
        return shown


class _Lazy(Sequence):
    """A sequence whose items are found when they are asked for."""

    def __init__(self, length: int, find: Callable[[int], int]) -> None:
        self._length, self._find = length, find

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index):
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self._find(index)

    def __iter__(self) -> Iterator[int]:
        return map(self._find, range(self._length))
