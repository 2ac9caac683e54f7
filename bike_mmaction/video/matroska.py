"""The elements of a Matroska or WebM file: whether each is where it should be."""

import mmap
from typing import Optional, Union

Content = Union[bytes, mmap.mmap]
SEGMENT = b'\x18\x53\x80\x67'  # all but the header
_CLUSTER = b'\x1f\x43\xb6\x75'
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
    b'\xa3',  # a block
    b'\xa0',  # a group of blocks
    b'\xe7',  # time
    b'\xab',  # size before
    b'\xa7',  # place
    b'\xaf',  # an encrypted block
    b'\x58\x54',  # silent tracks
    b'\xec',
    b'\xbf',
)


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
    broken = 0
    while place < end:
        element = _element(content, place)
        if element is None or element[0] not in _OUTER:
            return broken + 1
        name, begin, last = element
        if name == _CLUSTER:
            place, is_whole = _end_of_cluster(content, begin, end, last)
            broken += not is_whole
        elif last is None:
            return broken + 1
        else:
            place = last
    return broken


def _end_of_cluster(
    content: Content, place: int, end: int, last: Optional[int]
) -> tuple[int, bool]:
    """Where a group of frames ends, and whether its elements fill it."""
    limit = end if last is None else min(last, end)
    while place < limit:
        element = _element(content, place)
        if element is None or element[0] not in _INNER or element[2] is None:
            is_next = last is None and element is not None and element[0] in _OUTER
            return (place if is_next else last or end), is_next
        place = element[2]
        if place > limit:
            is_cut = last is None or last > len(content)  # that is known elsewhere
            return (end if last is None else last), is_cut and place > len(content)
    return place, True


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
