"""What a file says of its pictures, where the pictures say something else.

A flipped bit in a header or in a table leaves a file that every player opens,
and that shows other frames than it did.
"""

from collections.abc import Sequence
from typing import Optional

import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .files import File, mapped, opened, size_of
from .matroska import tracks_of
from .mp4_tables import is_clock_false
from .order import TIMED, Order
from .orientation import is_rigid, matrix_of
from .packets import NO_TIME, PacketTable

# Decoders that put frames out in the order in which they are in the file,
# and those that put them out in the order in which they are shown.
_IN_FILE_ORDER = (
    'vp8 vp9 libvpx libvpx-vp9 av1 libdav1d theora mjpeg prores ffv1 gif'.split()
)
_IN_SHOWN_ORDER = ('h264', 'hevc', *_IN_FILE_ORDER)
_FARTHEST = 64  # frames between the decoding of a frame and its time


def places_to_heed(order: Order, codec: str) -> Optional[Sequence[int]]:
    """The places of packets, where a decoder puts their frames out in this order.

    None where it may not, or where the order makes sure of itself.

    Args:
        order (Order): As the container tells it.
        codec (str): FFmpeg's name of the decoder.
    """
    is_plain = type(order) is Order and codec in _IN_SHOWN_ORDER
    return order.places if is_plain else None


def misplaced_frames(table: PacketTable, container: str, codec: str) -> int:
    """Frames whose times cannot be those that they had.

    Args:
        table (PacketTable): Of the whole stream.
        container (str): FFmpeg's name of the format.
        codec (str): FFmpeg's name of the decoder.
    """
    if container not in TIMED or table.is_of_index:
        return 0
    numbers = range(len(table))
    shown = [n for n in numbers if not table.is_hidden(n) and not table.is_broken(n)]
    if codec in _IN_FILE_ORDER:
        times = np.array([table.pts[n] for n in shown], np.int64)
        return int(np.count_nonzero(np.diff(times[times != NO_TIME]) < 0))
    return _out_of_step(table) if container in ('mov', 'flv') else 0


def _out_of_step(table: PacketTable) -> int:
    """Frames that are decoded at a constant rate, but shown at another time.

    Args:
        table (PacketTable): With the times of both.
    """
    decoded = np.array(table.dts, np.int64)
    shown = np.array(table.pts, np.int64)
    steps = np.diff(decoded)
    if len(steps) < 8 or steps[0] <= 1 or (steps != steps[0]).any():
        return 0
    if shown.min() == NO_TIME:
        return 0
    later = shown - decoded
    usual = np.sort(later)[len(later) // 2]
    rest = (later - usual) % steps[0]
    wrong = (rest != 0) | (np.abs(later - usual) > _FARTHEST * steps[0])
    count = int(np.count_nonzero(wrong))
    return count if count <= max(1, len(wrong) // 10) else 0  # else not a few of them


def false_header(
    file: File, container: str, stream: VideoStream, first: VideoFrame, shown: int
) -> str:
    """What a header says wrongly of the pictures, in words; '' if nothing.

    Args:
        file (str | BinaryIO): The file.
        container (str): FFmpeg's name of the format.
        stream (VideoStream): Of the pictures.
        first (VideoFrame): The first picture.
        shown (int): How many frames there are.
    """
    matrix = matrix_of(first)
    if matrix is not None and not is_rigid(matrix):
        return 'it tilts the pictures as no camera does'
    if container == 'mov' and _has_false_clock(file, stream, shown):
        return 'its clock and its edit list contradict each other'
    if container == 'matroska' and stream.codec_context.name in ('vp8', 'vp9'):
        return _false_size(file, first)
    return ''


def _has_false_clock(file: File, stream: VideoStream, shown: int) -> bool:
    meant, rate = stream.codec_context.framerate, stream.average_rate
    speed = float(rate / meant) if meant and rate else 1.0
    if 1 / 3 < speed < 3 and (shown > 2 or stream.frames < 8):
        return False
    size = size_of(file)
    with opened(file) as content:
        return is_clock_false(content, size, shown, speed)


def _false_size(file: File, first: VideoFrame) -> str:
    with mapped(file) as content:
        sizes = [
            (track.width, track.height)
            for track in tracks_of(content)
            if track.codec[:5] in (b'V_VP8', b'V_VP9')
        ]
    if len(sizes) == 1 and sizes[0] != (first.width, first.height):
        width, height = sizes[0]
        return (
            f'pictures of {width}x{height} pixels, where the first one has '
            f'{first.width}x{first.height}'
        )
    return ''
