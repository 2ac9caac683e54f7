"""The files of a page: in a folder of its own, and never too many."""

import os
import os.path as osp
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

KEPT_SECONDS = 600  # for which a file is surely kept, as somebody may wait


class DiskFullError(OSError):
    """The files of the page take all the space that they may."""


class Uploads:
    """What visitors have sent, and what they were given, under one folder.

    Where space is needed the oldest files go, but none of the last ten
    minutes.

    Args:
        folder (str): Belongs to the page alone.
        most (int): Bytes of all files in it.
    """

    def __init__(self, folder: str, most: int) -> None:
        self.folder, self.most = osp.realpath(folder), most
        self._lock, self._used, self._coming = threading.Lock(), 0, 0
        self._sent: list[tuple[float, str, int]] = []

    def has(self, path: str) -> bool:
        """Whether a path, with all links followed, is one of these files."""
        try:
            real = osp.realpath(path)
            return osp.isfile(real) and real.startswith(self.folder + os.sep)
        except (OSError, ValueError):  # such as a zero byte
            return False

    def touch(self, path: str) -> None:
        """Somebody needs this file now, if it is one of these."""
        if self.has(path):
            with suppress(FileNotFoundError):
                os.utime(path)

    @contextmanager
    def receiving(self, size: int, visitor: str = '') -> Iterator[None]:
        """While an upload is received. What is left of it, if it is not
        finished, is deleted.

        Args:
            size (int): Bytes, as its sender says.
            visitor (str): Who sends it. Defaults to nobody in particular.

        Raises:
            DiskFullError: if there is no space, also after old files went, or
                this visitor has sent too much.
        """
        with self._lock:
            self._count(size, visitor)
            self._used = self._make_room(size)
            self._coming += 1
        try:
            yield
        finally:
            with self._lock:
                self._coming -= 1
                if not self._coming:
                    self._delete_unfinished()

    def _count(self, size: int, visitor: str) -> None:
        """Files that are surely kept may not all be those of one visitor."""
        now = time.monotonic()
        self._sent = [sent for sent in self._sent if sent[0] > now - KEPT_SECONDS]
        used = sum(length for _, sender, length in self._sent if sender == visitor)
        most = self.most // 2
        if used + size > most and used:
            raise DiskFullError(
                f'one visitor may send {most / 2**30:.3g} GB in ten minutes, and you '
                f'have sent {used / 2**30:.3g} GB: wait a little'
            )
        self._sent.append((now, visitor, size))

    def add(self, size: int) -> None:
        """So many bytes more have come.

        Raises:
            DiskFullError: if that is too much.
        """
        with self._lock:
            self._used += size
            if self._used > self.most:
                raise self._full()

    def make_room(self, size: int = 0) -> None:
        """Delete old files where more space is needed.

        Raises:
            DiskFullError: if there is none.
        """
        with self._lock:
            self._make_room(size)

    def _make_room(self, size: int) -> int:
        """Bytes in use; see :meth:`make_room`."""
        files = sorted(self._files())
        used = sum(length for _, length, _ in files)
        for changed, length, path in files:
            if used + size <= self.most or changed > time.time() - KEPT_SECONDS:
                break
            with suppress(FileNotFoundError):
                os.remove(path)
            with suppress(OSError):  # its folder, if nothing else is in it
                os.rmdir(osp.dirname(path))
            used -= length
        if used + size > self.most:
            raise self._full()
        return used

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """When each file was changed, its bytes and its path."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = osp.join(folder, name)
                with suppress(FileNotFoundError):
                    state = os.stat(path)
                    yield state.st_mtime, state.st_size, path

    def _delete_unfinished(self) -> None:
        """Finished uploads lie in folders of their own, unfinished ones do not."""
        with suppress(FileNotFoundError):
            for entry in list(os.scandir(self.folder)):
                if entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        os.remove(entry.path)

    def _full(self) -> DiskFullError:
        return DiskFullError(
            f'the page keeps {self.most / 2**30:.3g} GB of files at most, and they '
            'are used: try again in ten minutes'
        )
