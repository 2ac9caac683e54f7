"""Folders below a folder, also behind links, and each circle of links once."""

import os
import os.path as osp
from collections.abc import Iterator
from typing import Callable, Optional


def walk_folders(
    root: str, onerror: Optional[Callable[[OSError], None]] = None
) -> Iterator[tuple[str, list[str]]]:
    """Path and names of files of a folder, and of those below it, by name.

    Links to folders are followed, but for those that lead in a circle.

    Args:
        root (str): The folder.
        onerror (Callable, optional): What is done about a folder that cannot
            be read. Defaults to None: nothing.
    """
    for here, folders, names in os.walk(root, onerror=onerror, followlinks=True):
        folders[:] = [
            name
            for name in sorted(folders)
            if not _leads_back(osp.join(here, name), here, root)
        ]
        yield here, sorted(names)


def _leads_back(path: str, here: str, root: str) -> bool:
    """Whether a folder is a link to one on the way to it, or above ``root``."""
    if not osp.islink(path):
        return False
    target = osp.realpath(path)
    if osp.join(osp.realpath(here), '').startswith(osp.join(target, '')):
        return True
    while osp.realpath(here) != target and here != root:
        here = osp.dirname(here)
    return osp.realpath(here) == target
