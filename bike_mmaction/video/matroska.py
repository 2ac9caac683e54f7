"""The elements of a Matroska or WebM file: whether each is what it should be."""

import mmap
from collections.abc import Iterator
from typing import NamedTuple, Optional, Union

Content = Union[bytes, mmap.mmap]
SEGMENT = b'\x18\x53\x80\x67'  # all but the header
_CLUSTER = b'\x1f\x43\xb6\x75'
_TRACKS, _TRACK, _PICTURES = b'\x16\x54\xae\x6b', b'\xae', b'\xe0'
_NUMBER, _CODEC, _WIDTH, _HEIGHT = b'\xd7', b'\x86', b'\xb0', b'\xba'
_BLOCK, _BLOCK_OF_GROUP, _GROUP = b'\xa3', b'\xa1', b'\xa0'
_OUTER = (
    _CLUSTER,
    b'\x11\x4d\x9b\x74',  # places
    b'\x15\x49\xa9\x66',  # what it is
    b'\x16\x54\xae\x6b',  # tracks
    b'\x1c\x53\xbb\x6b',  # cues
    b'\x19\x41\xa4\x69',  # attachments
    b'\x10\x43\xa7\x70',  # chapters
    b'\x12\x54\xc3\x67',  # tags
    b'\xec',  # nothing
    b'\xbf',  # a sum
)
_INNER = (
    _BLOCK,
    _GROUP,
    b'\xe7',  # time
    b'\xab',  # size before
    b'\xa7',  # place
    b'\xaf',  # an encrypted block
    b'\x58\x54',  # silent tracks
    b'\xec',
    b'\xbf',
)
_NUMBERS = (b'\xe7', b'\xab', b'\xa7', b'\xbf')  # of at most 8 bytes
_RESERVED = 0x70  # bits of a block that nobody sets


class Track(NamedTuple):
    """What the header says of a stream; 0 and ``b''`` where it does not."""

    number: int
    codec: bytes
    width: int
    height: int


def tracks_of(content: Content) -> list[Track]:
    """The streams of a file, by its header.

    Args:
        content (bytes | mmap): A Matroska or WebM file, such as a map of it.
    """
    segment = bytes(content[:4096]).find(SEGMENT)
    element = _element(content, segment) if segment >= 0 else None
    for name, begin, end in _elements(content, element[1], None) if element else ():
        if name == _CLUSTER:
            break
        if name == _TRACKS:
            entries = _elements(content, begin, end)
            return [_track(content, b, e) for n, b, e in entries if n == _TRACK]
    return []


def _track(content: Content, begin: int, end: int) -> Track:
    values = {n: bytes(content[b:e]) for n, b, e in _elements(content, begin, end)}
    pictures = values.get(_PICTURES, b'')
    values.update({n: pictures[b:e] for n, b, e in _elements(pictures, 0, None)})
    return Track(
        _value(values.get(_NUMBER)),
        values.get(_CODEC, b''),
        _value(values.get(_WIDTH)),
        _value(values.get(_HEIGHT)),
    )


def _value(number: Optional[bytes]) -> int:
    return int.from_bytes(number or b'', 'big')


def _elements(
    content: Content, place: int, end: Optional[int]
) -> Iterator[tuple[bytes, int, int]]:
    """Names, begins and ends of elements, up to one that is open or broken."""
    end = len(content) if end is None else end
    while place < end:
        element = _element(content, place)
        if element is None or element[2] is None or element[2] > end:
            return
        yield element[0], element[1], element[2]
        place = element[2]


def broken_elements(content: Content) -> int:
    """How many parts of a file do not hold what they should.

    A player looks for the next good place after such a part, and says nothing
    of the frames that were in it.

    Args:
        content (bytes | mmap): A Matroska or WebM file, such as a map of it.
    """
    segment = bytes(content[:4096]).find(SEGMENT)
    element = _element(content, segment) if segment >= 0 else None
    if element is None:
        return 0
    _, place, end = element
    end = len(content) if end is None else min(end, len(content))
    numbers = {track.number for track in tracks_of(content)}
    broken = 0
    while place < end:
        element = _element(content, place)
        if element is None or element[0] not in _OUTER:
            return broken + 1
        name, begin, last = element
        if name == _CLUSTER:
            place, inside = _end_of_cluster(content, begin, end, last, numbers)
            broken += inside
        elif last is None:
            return broken + 1
        else:
            place = last
    return broken


def _end_of_cluster(
    content: Content, place: int, end: int, last: Optional[int], numbers: set[int]
) -> tuple[int, int]:
    """Where a group of frames ends, and how many of its parts are broken."""
    limit = end if last is None else min(last, end)
    broken = 0
    while place < limit:
        element = _element(content, place)
        if element is None or element[0] not in _INNER or element[2] is None:
            is_next = last is None and element is not None and element[0] in _OUTER
            return (place if is_next else last or end), broken + (not is_next)
        name, begin, place = element[0], element[1], element[2]
        if place > limit:
            is_cut = last is None or last > len(content)  # that is known elsewhere
            is_cut = is_cut and place > len(content)
            return (end if last is None else last), broken + (not is_cut)
        broken += not _is_whole(content, name, begin, place, numbers)
    return place, broken


def _is_whole(
    content: Content, name: bytes, begin: int, end: int, numbers: set[int]
) -> bool:
    """Whether a part of a group of frames can be what its name says.

    Args:
        content (bytes | mmap): The file.
        name (bytes): Of the part.
        begin (int): Of what is in it.
        end (int): Of the same.
        numbers (set[int]): Those of the streams; none if they are not known.
    """
    if name in _NUMBERS:
        return end - begin <= 8
    if name == _GROUP:
        parts = list(_elements(content, begin, end))
        blocks = [b for n, b, _ in parts if n == _BLOCK_OF_GROUP]
        is_filled = bool(blocks) and parts[-1][2] == end
        return is_filled and _is_of(numbers, content, blocks[0])
    if name == _BLOCK:
        has_reserved = end - begin > 3 and bool(content[begin + 3] & _RESERVED)
        return _is_of(numbers, content, begin) and not has_reserved
    return True


def _is_of(numbers: set[int], content: Content, place: int) -> bool:
    """Whether the block there belongs to one of the streams of these numbers."""
    length = 9 - content[place].bit_length()
    number = int.from_bytes(content[place : place + length], 'big')
    return not numbers or number & ((1 << 7 * length) - 1) in numbers


def _element(
    content: Content, place: int
) -> Optional[tuple[bytes, int, Optional[int]]]:
    """Name, begin and end of an element; the end is None if it is open."""
    head = bytes(content[place : place + 12])
    size = 9 - head[0].bit_length() if head else 9
    if size > 4 or len(head) <= size or head[size] == 0:
        return None
    length = 9 - head[size].bit_length()
    value = int.from_bytes(head[size : size + length], 'big') & ((1 << 7 * length) - 1)
    begin = place + size + length
    is_open = value == (1 << 7 * length) - 1
    return head[:size], begin, None if is_open else begin + value
