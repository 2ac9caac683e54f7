"""The boxes of MP4 and QuickTime files, and what their tables say of frames."""

from collections.abc import Iterator
from typing import BinaryIO, Optional

import numpy as np

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


def frames_in_edits(file: BinaryIO, size: int) -> Optional[int]:
    """How many frames the edit list of a file shows, at least.

    Args:
        file (BinaryIO): The file.
        size (int): Its bytes.

    Returns:
        int: All of its frames if its tables contradict each other: then damage
        has moved some out of the list. None if that is not sure, or if there
        is no such list.
    """
    scale, tracks = _tracks_of(file, size)
    cut = [track for track in tracks if _number(track.get(b'elst', b''), 4)]
    if not cut or not scale:
        return None
    if not all(map(_agrees, tracks)):
        frames = [
            max(_number(t.get(b'stsz', b''), 8), int(_pairs(t[b'stts'])[:, 0].sum()))
            for t in filter(_contradicts, tracks)
        ]
        return max(frames, default=None)
    return min(_shown(track, scale) for track in cut)


def is_clock_false(file: BinaryIO, size: int, shown: int, speed: float) -> bool:
    """Whether the clock of the pictures cannot be that of their edit list.

    Args:
        file (BinaryIO): The file.
        size (int): Its bytes.
        shown (int): How many frames a player shows.
        speed (float): At which they are shown; 1 is as their encoder meant it.
    """
    scale, tracks = _tracks_of(file, size)
    for track in tracks:
        own_scale, duration = _duration(track.get(b'mdhd', b''))
        if b'elst' not in track:
            continue
        if not scale or not own_scale:
            return True
        length = sum(length for length, start in _edits(track) if start >= 0) / scale
        if length > 1.5 * duration / own_scale + 0.5:
            return True  # more than there is
        # A part so short that it has a frame or two, of what is far too slow, or
        # that is over before a frame is.
        frames = _number(track.get(b'stsz', b''), 8)
        is_over = length < 0.5 * duration / own_scale / max(1, frames)
        if shown <= 2 and frames >= 8 and (is_over or 0 < speed < 1 / 8):
            return True
    return False


def _tracks_of(file: BinaryIO, size: int) -> tuple[int, list[dict[bytes, bytes]]]:
    """Units of a second of a film, and the tables of its tracks of pictures."""
    movie: dict[bytes, bytes] = {}
    tracks = []
    for name, begin, end in outer_boxes(file, size):
        if name == b'moov':
            file.seek(begin)
            header = file.read(min(end - begin, _MOST))
            movie = dict(_boxes(header[8:]))
            kinds = [
                _tables(box) for kind, box in _boxes(header[8:]) if kind == b'trak'
            ]
            tracks += [t for t in kinds if t.get(b'hdlr', b'')[8:12] == b'vide']
    return _duration(movie.get(b'mvhd', b''))[0], tracks


def _shown(track: dict[bytes, bytes], scale: int) -> int:
    """Frames of a track that its edit list shows, but for those on its edges."""
    times = _times(track)
    steps, own_scale = _pairs(track[b'stts']), _duration(track[b'mdhd'])[0]
    shown = 0
    for length, start in _edits(track):
        if start >= 0:
            unit = own_scale / scale  # to which the length is rounded
            end = start + length * unit
            is_inside = (times >= start) & (times < end - 1.5 * unit)
            inside = int(np.count_nonzero(is_inside))
            if len(steps) == 1:  # the part has its frames, wherever they are
                end = min(end, times.min() + steps[0, 1] * len(times))
                inside = max(inside, int((end - start + unit) // max(1, steps[0, 1])))
            shown += inside
    return shown


def _edits(track: dict[bytes, bytes]) -> Iterator[tuple[int, int]]:
    """How long each part is, in units of the film, and its start in the track."""
    table = track[b'elst']
    size = 8 if table[:1] == b'\1' else 4
    end = min(len(table), 8 + (2 * size + 4) * _number(table, 4))
    for place in range(8, end, 2 * size + 4):
        start = table[place + size : place + 2 * size]
        yield _number(table, place, size), int.from_bytes(start, 'big', signed=True)


def _times(track: dict[bytes, bytes]) -> np.ndarray:
    """When each frame is shown, in units of the track."""
    pairs = _pairs(track[b'stts'])
    times = np.cumsum(np.repeat(pairs[:, 1], pairs[:, 0]))
    times = np.append(0, times[:-1])
    shifts = _pairs(track.get(b'ctts', b''))
    later = np.repeat(shifts[:, 1].astype(np.int32), shifts[:, 0])[: len(times)]
    times[: len(later)] += later
    return times


def _pairs(table: bytes) -> np.ndarray:
    """A table of counts and values [N, 2]."""
    count = max(0, min(_number(table, 4), (len(table) - 8) // 8))
    pairs = np.frombuffer(table[8 : 8 + 8 * count], '>u4').reshape(-1, 2)
    return pairs.astype(np.int64)


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


def _agrees(track: dict[bytes, bytes]) -> bool:
    """Whether the tables of a track tell of as many frames and seconds."""
    pairs = _pairs(track.get(b'stts', b''))
    frames, longest = int(pairs[:, 0].sum()), int(pairs[:, 1].max(initial=0))
    duration = _duration(track.get(b'mdhd', b''))[1]
    # Some programs do not count the last frame.
    is_as_long = abs(int(pairs.prod(1).sum()) - duration) <= longest <= duration
    if b'elst' in track:
        header = track.get(b'tkhd', b'')
        lengths = sum(length for length, _ in _edits(track))
        shown = _number(header, 28, 8) if header[:1] == b'\1' else _number(header, 20)
        is_as_long &= abs(lengths - shown) <= 2
    shifted = int(_pairs(track[b'ctts'])[:, 0].sum()) if b'ctts' in track else frames
    counted = _number(track.get(b'stsz', b''), 8)
    return is_as_long and frames == shifted == counted < _MOST


def _contradicts(track: dict[bytes, bytes]) -> bool:
    """Whether the tables of times are of other frames, or far too long or short."""
    pairs = _pairs(track.get(b'stts', b''))
    if not len(pairs):
        return False
    duration = _duration(track.get(b'mdhd', b''))[1]
    frames = _number(track.get(b'stsz', b''), 8)
    shifted = int(_pairs(track.get(b'ctts', b''))[:, 0].sum())  # some name fewer
    is_of_others = int(pairs[:, 0].sum()) != frames or shifted > frames
    return is_of_others or abs(int(pairs.prod(1).sum()) - duration) > 0.2 * duration


def _duration(header: bytes) -> tuple[int, int]:
    """Units of a second, and how many there are, of a film or a track."""
    if header[:1] == b'\1':
        return _number(header, 20), _number(header, 24, 8)
    return _number(header, 12), _number(header, 16)


def _number(content: bytes, place: int, length: int = 4) -> int:
    return int.from_bytes(content[place : place + length], 'big')
