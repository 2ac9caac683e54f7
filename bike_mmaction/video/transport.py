"""The packets of a MPEG-TS: whether some were lost on their way."""

import os
from typing import BinaryIO

import numpy as np

_SIZES = (188, 192, 204)  # bytes of a packet: plain, with its time, with a check
_SYNC = 0x47
_AT_ONCE = 50_000  # packets


def has_lost_packets(file: BinaryIO, stream: int) -> bool:
    """Whether packets of a stream are missing or broken, by their headers.

    Args:
        file (BinaryIO): A MPEG-TS.
        stream (int): Its number (PID).
    """
    size, offset = _layout_of(file)
    if not size:
        return True
    file.seek(offset)
    last = np.empty(0, np.int64)  # counter of the packet before
    while True:
        content = np.frombuffer(file.read(size * _AT_ONCE), np.uint8)
        packets = content[: len(content) // size * size].reshape(-1, size)
        if (packets[:, 0] != _SYNC).any():
            return True
        numbers = (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]
        has_content = (packets[:, 3] & 0x10) > 0
        own = packets[(numbers == stream) & has_content]
        counters = own[:, 3].astype(int) & 0xF
        steps = np.diff(np.append(last, counters)) % 16
        if (steps > 1).any() or not _begin_well(own):  # one may be sent twice
            return True
        if len(content) < size * _AT_ONCE:
            whole = (0, (size - offset) % size)  # bytes that are no part of one
            return len(content) % size not in whole  # cut off within a packet
        last = counters[-1:] if len(counters) else last


def _begin_well(packets: np.ndarray) -> bool:
    """Whether packets [N, size] that begin a picture have the header of one."""
    packets = packets[(packets[:, 1] & 0x40) > 0]
    has_more = (packets[:, 3] & 0x20) > 0
    begins = 4 + np.where(has_more, packets[:, 4].astype(int) + 1, 0)
    places = np.minimum(begins[:, None] + np.arange(3), packets.shape[1] - 1)
    return bool((np.take_along_axis(packets, places, 1) == (0, 0, 1)).all())


def _layout_of(file: BinaryIO) -> tuple[int, int]:
    """Bytes of a packet and of what is before the first one; 0 if unknown."""
    file.seek(0, os.SEEK_SET)
    start = file.read(4096)
    for size in _SIZES:
        for offset in range(min(size, len(start))):
            if all(byte == _SYNC for byte in start[offset::size][:16]):
                return size, offset
    return 0, 0
