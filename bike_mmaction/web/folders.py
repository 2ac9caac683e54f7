"""The folder of a page, which does not outlive it: also after a crash."""

import os
import os.path as osp
import shutil
import tempfile
import time
from contextlib import suppress
from glob import escape, glob
from typing import IO

PREFIX = 'bike_web_'
LOCK = 'in_use'  # a file that is locked while its page runs
FRESH = 60.0  # seconds in which a page may not have locked its folder yet


class PageFolder:
    """A new folder for temporary files; those of killed pages are deleted."""

    def __init__(self) -> None:
        delete_abandoned()
        self.name = tempfile.mkdtemp(prefix=PREFIX)
        self._file = open(osp.join(self.name, LOCK), 'w')
        _lock(self._file)

    def cleanup(self) -> None:
        """Delete it."""
        self._file.close()
        shutil.rmtree(self.name, ignore_errors=True)


def delete_abandoned() -> None:
    """Delete the folders of pages that run no more."""
    for folder in glob(osp.join(escape(tempfile.gettempdir()), f'{PREFIX}*')):
        with suppress(OSError):
            state = os.lstat(folder)
            is_own = not hasattr(os, 'getuid') or state.st_uid == os.getuid()
            if not is_own or osp.islink(folder) or state.st_mtime > time.time() - FRESH:
                continue
            with open(osp.join(folder, LOCK), 'r+') as file:
                is_free = _lock(file)
            if is_free:
                shutil.rmtree(folder, ignore_errors=True)


def _lock(file: IO) -> bool:
    """Whether a file could be locked, until it is closed or its process ends."""
    try:
        import fcntl
    except ImportError:  # elsewhere than on Unix nothing is deleted
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
