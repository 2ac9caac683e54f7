"""A lock that two jobs cannot hold at once, and that a kill releases."""

import json
import os
import os.path as osp
import socket
import warnings
from contextlib import suppress
from typing import Optional

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]


class Lock:
    """A file that one process holds until it ends, however it ends.

    It is a record lock of POSIX: processes that this one starts do not hold
    it, and it counts on all machines that share the file by NFS. Where the
    system has no such locks nothing is locked; where a file system has none,
    a warning says so.

    Args:
        path (str): The file; its folder is made.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle: Optional[int] = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._handle is not None

    def acquire(self) -> None:
        """Take it.

        Raises:
            BlockingIOError: if another process holds it; says which.
        """
        while fcntl is not None and self._handle is None:
            os.makedirs(osp.dirname(osp.abspath(self.path)), exist_ok=True)
            with suppress(FileNotFoundError):  # another job has just removed it
                self._try()

    def _try(self) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._take(handle)
            if osp.samestat(os.fstat(handle), os.stat(self.path)):
                holder = dict(process=os.getpid(), machine=socket.gethostname())
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps(holder).encode())
                self._handle = handle
        finally:
            if self._handle is None:
                os.close(handle)

    def _take(self, handle: int) -> None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise BlockingIOError(
                f"'{osp.dirname(self.path)}' is in use by another job"
                f'{_holder(handle)}: wait for its end, or write to another place'
            ) from None
        except OSError as error:
            warnings.warn(
                f"'{self.path}' cannot be locked ({error.strerror}): start no "
                'second job that writes the same file'
            )

    def release(self) -> None:
        """Give it back; nothing where it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _holder(handle: int) -> str:
    """Which process wrote into the file; '' if it does not tell."""
    try:
        content = json.loads(os.read(handle, 1000))
        return f' (process {content["process"]} on {content["machine"]})'
    except (OSError, ValueError, KeyError, TypeError):
        return ''
