"""Where the files are that a source names."""

import os
import os.path as osp
import re
from collections.abc import Iterable, Sequence
from typing import Optional
from urllib.parse import parse_qs, unquote, urlsplit

from ...files import has_extension
from ..video_folders import VideoFolder
from .clips import Reading

OUTSIDE = 'outside the root'
_UPLOADED = re.compile(r'^[0-9a-f]{8}-(?=.)')  # Label Studio's, before a name


def choose_root(paths: Sequence[str], source: str, root: Optional[str]) -> str:
    """The folder that relative paths begin in.

    Args:
        paths (Sequence[str]): As the source has them.
        source (str): The file that names them.
        root (str, optional): What the user says; it is taken.

    Returns:
        str: Absolute. Of the folder of the source, its folder ``videos`` and
        that of the process, the one with the most of the files; the first of
        them if all have equally many.
    """
    if root is not None:
        return osp.abspath(root)
    folder = osp.dirname(osp.abspath(source))
    roots = (folder, osp.join(folder, 'videos'), os.getcwd())
    relative = [path for path in dict.fromkeys(paths) if path and not osp.isabs(path)]
    return max(
        roots, key=lambda r: sum(osp.exists(_joined(r, path)) for path in relative)
    )


def place_path(reading: Reading, path: str, place: str, strict: bool) -> str:
    """The absolute path of a file; '' if it is left out.

    Args:
        reading (Reading): With the root; is told what is left out.
        path (str): As the source has it.
        place (str): Where that is.
        strict (bool): Whether it must lie below the root.
    """
    joined = _joined(reading.root, path)
    if strict and not joined.startswith(osp.join(reading.root, '')):
        reading.leave_out(OUTSIDE, path, f"{place}, not below '{reading.root}'")
        return ''
    return joined


def _joined(root: str, path: str) -> str:
    """Where a path leads, also one that was written on Windows."""
    joined = osp.normpath(osp.join(root, osp.expanduser(path)))
    if '\\' in path and not osp.exists(joined):
        return osp.normpath(osp.join(root, path.replace('\\', '/')))
    return joined


class NamedVideos:
    """The videos below a folder, by what a labelling tool calls them.

    Args:
        reading (Reading): With the root; is told what is not found.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._folder = VideoFolder(reading.root)

    def find(self, name: str, place: str) -> str:
        """The absolute path of a video; '' if it is left out.

        Args:
            name (str): A path, an address, or what Label Studio makes of one.
            place (str): Where it is named.
        """
        try:
            path = self._folder.find(possible_names(name))
        except ValueError as error:  # there are several
            self._reading.leave_out('not one video', name, f'{place}: {error}')
            return ''
        if path is None:
            detail = f"{place}: no such video below '{self._reading.root}'"
            self._reading.leave_out('missing', name, detail)
            return ''
        return osp.join(self._reading.root, path)


def possible_names(name: str) -> list[str]:
    """What the file of an address may be called, the likeliest first."""
    address = urlsplit(name)
    path = address.path if address.scheme or address.query else name
    local = parse_qs(address.query).get('d') if address.query else None
    path = local[0] if local else unquote(path)
    names = [path.replace('\\', '/').strip('/')]
    names.append(names[0].rpartition('/')[2])
    names.append(_UPLOADED.sub('', names[1]))
    if not address.scheme:  # perhaps no address, but a name with '?' or '%'
        names.append(name)
    return list(dict.fromkeys(filter(None, names)))


def first_video(values: Iterable) -> str:
    """The first of some values that names a video file; '' if none does."""
    for value in values:
        if isinstance(value, str) and any(map(has_extension, possible_names(value))):
            return value
    return ''
