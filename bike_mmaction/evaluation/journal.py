"""What is done of a long job: a folder beside its result, which survives a kill.

The items of a job have numbers. Each process writes down what came of its
items, and whoever goes on, with as many processes or others, does the rest.
"""

import json
import os
import os.path as osp
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from glob import escape, glob
from typing import Any, Callable, TypeVar

import numpy as np
from mmengine.dist import broadcast_object_list, get_dist_info, is_main_process

from ..datasets.same_settings import check_same
from ..files import write_json, writing
from ..text_files import read_json
from .lock import Lock

Result = TypeVar('Result')


class Journal:
    """What is done of the items of a job.

    Each process appends lines of JSON to its own file, one an item. A line
    that a kill has torn is left out, so that its item is done again.

    Args:
        folder (str): Made if it is absent.
        failure (str): Key of records of items that have failed, which may
            succeed another time. Defaults to 'unreadable'.
    """

    def __init__(self, folder: str, failure: str = 'unreadable') -> None:
        self.folder, self.failure = folder, failure
        self._header = osp.join(folder, 'header.json')
        self._lock = Lock(osp.join(folder, 'lock'))

    @property
    def is_begun(self) -> bool:
        """Whether there is anything to go on from."""
        return osp.isfile(self._header)

    def begin(
        self,
        out: str,
        header: dict,
        header_of: Callable[[str], dict],
        overwrite: bool = False,
    ) -> bool:
        """Begin, or go on with the same settings; no other job may meanwhile.

        Args:
            out (str): The file that the job writes.
            header (dict): What determines the result.
            header_of (Callable): Of a file that is there, the same.
            overwrite (bool): Whether to begin anew, but for work of the same
                settings: that is of this command itself. Defaults to False.

        Returns:
            bool: Whether the file is there already, of the same settings.

        Raises:
            BlockingIOError: if another job is at it.
            ValueError: if the file, or what is done of it, was made with
                other settings; names the first that differs.
        """
        header = json.loads(json.dumps(header))  # as it will be read back
        self._lock.acquire()
        try:
            is_there = osp.exists(out)
            if overwrite:
                if self.is_begun and self.header() != header:
                    self._clear()
                if is_there:
                    os.remove(out)
                is_there = False
            elif is_there:
                check_same(header_of(out), header, out)
            if self.is_begun:
                check_same(self.header(), header, self.folder)
            elif not is_there:
                write_json(self._header, header)
            return is_there
        except BaseException:
            self.release()
            raise

    def header(self) -> dict:
        """The settings it was begun with."""
        return read_json(self._header)

    def append(self, records: Sequence[dict]) -> None:
        """Add items that are done; each record has its number as ``index``."""
        path = osp.join(self.folder, f'rank{get_dist_info()[0]}.jsonl')
        text = ''.join(f'{json.dumps(record)}\n' for record in records)
        with writing(path), open(path, 'ab+') as file:
            size = file.seek(0, os.SEEK_END)
            if size:  # a torn line must not run into the next one
                file.seek(size - 1)
                if file.read(1) != b'\n':
                    text = f'\n{text}'
            file.write(text.encode())

    def find(self, size: int) -> 'Records':
        """Where the records are.

        Args:
            size (int): Number of items.
        """
        return Records(self.folder, size, self.failure)

    def release(self) -> None:
        """Let others go on; nothing is left of a job that did not begin."""
        if self._lock.is_held and not self.is_begun:
            self.remove()
        self._lock.release()

    def forget_records(self) -> None:
        """Do all items again, with the same settings."""
        for path in _paths(self.folder):
            os.remove(path)

    def remove(self) -> None:
        """Forget it all, the lock last."""
        self._clear()
        with suppress(FileNotFoundError):
            os.remove(self._lock.path)
        self._lock.release()
        with suppress(OSError):  # another job has begun meanwhile
            os.rmdir(self.folder)

    def _clear(self) -> None:
        for name in os.listdir(self.folder):
            path = osp.join(self.folder, name)
            if osp.isdir(path):
                shutil.rmtree(path)
            elif path != self._lock.path:
                os.remove(path)


class Records:
    """Where the record of each item lies: a few bytes each, not the records.

    Of several the last counts, and one of success before those of failures.

    Args:
        folder (str): Of a :class:`Journal`.
        size (int): Number of items.
        failure (str): Key of records of failures.

    Attributes:
        has_failed (np.ndarray): Bool [size]: whether there are only records
            of failures.
    """

    def __init__(self, folder: str, size: int, failure: str) -> None:
        self._paths = _paths(folder)
        self._files = np.full(size, -1, np.int32)
        self._places = np.zeros(size, np.int64)
        self.has_failed = np.zeros(size, bool)
        for number, path in enumerate(self._paths):
            for place, record in _complete_lines(path):
                index, is_failure = record['index'], failure in record
                if not 0 <= index < size:
                    continue
                if self._files[index] < 0 or self.has_failed[index] or not is_failure:
                    self._files[index], self._places[index] = number, place
                    self.has_failed[index] = is_failure

    @property
    def is_done(self) -> np.ndarray:
        """Bool [size]: whether there is a record."""
        return self._files >= 0

    def read(self, numbers: Iterable[int]) -> Iterator[dict]:
        """Records of these items, which must be done."""
        with ExitStack() as stack:
            files = [stack.enter_context(open(path, 'rb')) for path in self._paths]
            for number in numbers:
                file = files[self._files[number]]
                file.seek(self._places[number])
                yield json.loads(file.readline())


def _paths(folder: str) -> list[str]:
    """The files of the processes."""
    return sorted(glob(osp.join(escape(folder), 'rank*.jsonl')))


def _complete_lines(path: str) -> Iterator[tuple[int, dict]]:
    """Place and record of each line that no kill has torn."""
    place = 0
    with open(path, 'rb') as file:
        for line in file:
            with suppress(ValueError, TypeError, KeyError):
                record = json.loads(line)
                record['index'] + 0
                yield place, record
            place += len(line)


def own_items(is_done: np.ndarray, batch_size: int) -> tuple[np.ndarray, int]:
    """The items that this process has to do.

    A batch always holds the same items, however often the job was stopped and
    on however many processes it goes on: so do its numbers. Processes take
    turns; no item is done twice to fill a batch.

    Args:
        is_done (np.ndarray): Bool, of all items.
        batch_size (int): Items at once.

    Returns:
        tuple[np.ndarray, int]: Numbers of its items, batch after batch; and
        how many all processes have to do.
    """
    size = len(is_done)
    starts = np.arange(0, size, batch_size)
    if size:
        starts = starts[~np.logical_and.reduceat(is_done, starts)]
    rank, world_size = get_dist_info()
    total, own = (
        _items_of(s, batch_size, size) for s in (starts, starts[rank::world_size])
    )
    return own, len(total)


def _items_of(starts: np.ndarray, batch_size: int, size: int) -> np.ndarray:
    items = (starts[:, None] + np.arange(batch_size)).reshape(-1)
    return items[items < size]


def by_main_process(function: Callable[[], Result]) -> Result:
    """What a function returns, or raises, in the main process; to all of them."""
    outcome: list[Any] = [None, None]
    if is_main_process():
        try:
            outcome[0] = function()
        except Exception as error:  # the others must not wait for ever
            outcome[1] = error
    broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]
