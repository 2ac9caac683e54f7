"""Looking at a file before a decoder does: what it is, whether it is whole."""

import io
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Optional, Union

from ..shards import MissingMemberError, ShardError, read_member
from .errors import (
    BrokenShardError,
    ChangedFileError,
    EmptyFileError,
    MissingVideoError,
    NoPermissionError,
    NotAFileError,
)
from .matroska import SEGMENT, Content
from .mp4_tables import BOXES, outer_boxes

_KINDS = (
    (stat.S_ISDIR, 'it is a folder'),
    (stat.S_ISFIFO, 'it is a pipe (FIFO), not a file'),
    (stat.S_ISSOCK, 'it is a socket, not a file'),
    (stat.S_ISCHR, 'it is a device, not a file'),
    (stat.S_ISBLK, 'it is a device, not a file'),
)
File = Union[str, BinaryIO]


def check_file(path: Union[str, os.PathLike]) -> str:
    """Make sure that this is a file that can be opened without waiting.

    Args:
        path (str | PathLike): The file.

    Returns:
        str: The path.

    Raises:
        VideoError: if it is not; its class and text say why.
    """
    path = os.fspath(path)
    try:
        mode = os.stat(path).st_mode
    except PermissionError as error:
        reason = 'no permission to look into its folder'
        raise NoPermissionError(path, reason) from error
    except (OSError, ValueError) as error:
        if '://' in path:
            reason = 'it is an address of the network, not a file: download it'
            raise NotAFileError(path, reason) from error
        raise MissingVideoError(path, 'no such file or folder') from error
    for is_kind, reason in _KINDS:
        if is_kind(mode):
            raise NotAFileError(path, reason)
    if not os.access(path, os.R_OK):
        raise NoPermissionError(path, 'no permission to read it')
    if os.path.getsize(path) == 0:
        raise EmptyFileError(path, 'the file is empty (0 bytes)')
    return path


def find_file(path: str) -> File:
    """What to open: the file itself, or the content of a video in tar files.

    Args:
        path (str): The file, also one below a folder of shards.

    Raises:
        VideoError: if there is none that can be opened; says why.
    """
    try:
        content = read_member(path)
    except MissingMemberError as error:
        raise MissingVideoError(path, str(error)) from error
    except ShardError as error:
        raise BrokenShardError(path, str(error)) from error
    if content is None:
        return check_file(path)
    if not content:
        raise EmptyFileError(path, 'the file is empty (0 bytes)')
    return io.BytesIO(content)


def size_of(file: File) -> int:
    """Bytes of a file."""
    if isinstance(file, str):
        return os.path.getsize(file)
    with opened(file) as content:
        return content.seek(0, os.SEEK_END)


Stamp = Optional[tuple[int, ...]]


def stamp_of(file: File) -> Stamp:
    """What changes when a file does; None of an open file, or if it is gone."""
    if not isinstance(file, str):
        return None
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def check_stamp(file: File, stamp: Stamp) -> None:
    """Make sure that a file is what it was, before it is read again.

    Args:
        file (str | BinaryIO): The file.
        stamp (tuple, optional): Of :func:`stamp_of`, when it was opened.

    Raises:
        ChangedFileError: if it is another one: its frames are not those that
            were counted.
    """
    if stamp is not None and stamp_of(file) != stamp:
        reason = 'it has changed since it was opened'
        if not os.path.exists(str(file)):
            reason = 'it is gone since it was opened'
        raise ChangedFileError(str(file), reason)


def missing_bytes(file: File) -> int:
    """How many bytes a file lacks by what its own header says.

    Files are cut off by downloads, copies and full disks. MP4, Matroska and
    AVI tell their length; of others it is not known.

    Args:
        file (str | BinaryIO): The file.

    Returns:
        int: 0 also where it is not known.
    """
    size = size_of(file)
    with opened(file) as content:
        start = content.read(4096)
        if start[:4] == b'RIFF':
            end = 8 + int.from_bytes(start[4:8], 'little')
        elif start[:4] == b'\x1a\x45\xdf\xa3':
            end = _end_of_matroska(start)
        elif start[4:8] in BOXES:
            end = max(last for *_, last in outer_boxes(content, size))
        else:
            end = 0
    return max(0, end - size)


def has_no_index(file: File) -> bool:
    """Whether it is a MP4 or QuickTime file without the box that all need."""
    with opened(file) as content:
        if content.read(8)[4:8] not in BOXES:
            return False
        return all(name != b'moov' for name, *_ in outer_boxes(content, size_of(file)))


@contextmanager
def opened(file: File) -> Iterator[BinaryIO]:
    """A file, to be read from its start.

    An open one stands afterwards where it stood: FFmpeg, which reads it, too,
    would go on at another place.
    """
    if isinstance(file, str):
        with open(file, 'rb') as content:
            yield content
        return
    place = file.tell()
    try:
        file.seek(0)
        yield file
    finally:
        file.seek(place)


@contextmanager
def mapped(file: File) -> Iterator[Content]:
    """All bytes of a file; of one on a disk those that are asked for are read."""
    with opened(file) as content:
        try:
            view = mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # a file in memory
            yield content.read()
            return
        with view:
            yield view


def _end_of_matroska(start: bytes) -> int:
    """Where the segment of a Matroska file should end; 0 if it is open."""
    place = start.find(SEGMENT) + len(SEGMENT)
    if place < len(SEGMENT) or place >= len(start):
        return 0
    length = 9 - start[place].bit_length()  # of the number that follows
    value = int.from_bytes(start[place : place + length], 'big')
    value &= (1 << 7 * length) - 1
    if length > 8 or value == (1 << 7 * length) - 1:
        return 0  # as live streams and browsers write it
    return place + length + value
