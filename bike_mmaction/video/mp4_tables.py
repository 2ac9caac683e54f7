"""The boxes of MP4 and QuickTime files, and what their tables say of frames."""

from collections.abc import Iterator
from typing import BinaryIO

BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip', b'pnot')
_PARENTS = (b'mdia', b'minf', b'stbl', b'edts')
_MOST = 64 << 20  # bytes of a header that are looked at


def outer_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Names of the outer boxes of a file, where they begin and should end.

    Args:
        file (BinaryIO): The file.
        size (int): Its bytes.
    """
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], 'big')
        if length == 1:
            length = int.from_bytes(head[8:16], 'big')
        if length < 8:  # 0: to the end of the file
            yield head[4:8], place, size
            return
        yield head[4:8], place, place + length
        place += length


def is_cut_by_edits(file: BinaryIO, size: int) -> bool:
    """Whether an edit list leaves out frames of a file whose tables agree.

    Where they do not, it is damage that has moved frames out of the list.

    Args:
        file (BinaryIO): The file.
        size (int): Its bytes.
    """
    tracks = []
    for name, begin, end in outer_boxes(file, size):
        if name == b'moov':
            file.seek(begin)
            header = file.read(min(end - begin, _MOST))
            for kind, content in _boxes(header[8:]):
                if kind == b'trak':
                    tracks.append(_tables(content))
    tracks = [track for track in tracks if track.get(b'hdlr', b'')[8:12] == b'vide']
    return any(map(_has_edits, tracks)) and all(map(_agrees, tracks))


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the boxes inside of a box."""
    place = 0
    while place + 8 <= len(content):
        length = max(8, _number(content, place))
        yield content[place + 4 : place + 8], content[place + 8 : place + length]
        place += length


def _tables(content: bytes) -> dict[bytes, bytes]:
    """All boxes of a track, by name."""
    tables: dict[bytes, bytes] = {}
    for name, inside in _boxes(content):
        if name in _PARENTS:
            inner = _tables(inside)
            tables.update({key: inner[key] for key in inner if key not in tables})
        else:
            tables.setdefault(name, inside)
    return tables


def _has_edits(track: dict[bytes, bytes]) -> bool:
    return _number(track.get(b'elst', b''), 4) > 0


def _agrees(track: dict[bytes, bytes]) -> bool:
    """Whether the table of times tells of as much as the other ones."""
    header, times = track.get(b'mdhd', b''), track.get(b'stts', b'')
    duration = _number(header, 24, 8) if header[:1] == b'\1' else _number(header, 16)
    count = total = longest = 0
    for place in range(8, min(len(times), 8 + 8 * _number(times, 4)), 8):
        samples, length = _number(times, place), _number(times, place + 4)
        count, total = count + samples, total + samples * length
        longest = max(longest, length)
    # Some programs do not count the last frame.
    is_as_long = abs(total - duration) <= longest and 2 * longest <= duration + 1
    return is_as_long and count == _number(track.get(b'stsz', b''), 8)


def _number(content: bytes, place: int, length: int = 4) -> int:
    return int.from_bytes(content[place : place + length], 'big')
