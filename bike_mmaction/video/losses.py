"""Finding what of a file is missing."""

import re
from collections.abc import Sequence
from typing import Optional

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .contradictions import false_header, misplaced_frames
from .damage import Damage, Part, frames_in_gaps, missing_end
from .errors import DamagedVideoError, NoDecoderError, VideoError
from .files import File, mapped, missing_bytes, opened, size_of
from .matroska import broken_elements
from .mp4_tables import frames_in_edits
from .order import TINY
from .packets import PacketTable
from .transport import has_lost_packets

UNCOUNTED = ('mpegts', 'mpeg')  # no header says how many frames there are


def find_damage(
    file: File,
    container: InputContainer,
    stream: VideoStream,
    table: PacketTable,
    shown: Sequence[int],
    times: np.ndarray,
    errors: int,
    first: VideoFrame,
) -> Damage:
    """What is missing, by what the file says of itself.

    Args:
        file (str | BinaryIO): The file.
        container (InputContainer): The same, open.
        stream (VideoStream): Its pictures.
        table (PacketTable): Its packets.
        shown (Sequence[int]): The packet of each frame.
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1].
        errors (int): Packets that could not be read or decoded.
        first (VideoFrame): The first picture.
    """
    name, cut = container.format.name.split(',')[0], missing_bytes(file)
    lost, expected = _lost_frames(file, name, stream, table, shown, times, errors)
    errors += misplaced_frames(table, name, stream.codec_context.name)
    errors += _broken_elements(file) if name == 'matroska' else 0
    is_false = lost > size_of(file)  # not even a byte for each
    return Damage(
        false_count=expected if is_false else 0,
        frames=Part(lost, expected) if lost > 0 and not is_false else Part(),
        bytes=Part(cut, size_of(file) + cut) if cut else Part(),
        seconds=missing_end(
            float(times[-1]), _length_of(container, stream) - _start_of(container)
        ),
        errors=errors,
        false_header=false_header(file, name, stream, first, len(shown)),
    )


def _lost_frames(
    file: File,
    name: str,
    stream: VideoStream,
    table: PacketTable,
    shown: Sequence[int],
    times: np.ndarray,
    errors: int,
) -> tuple[int, int]:
    """How many frames are missing, and how many there should be.

    Args:
        file, stream, table, shown, times, errors: See :func:`find_damage`.
        name (str): Of the format, such as 'mov'.
    """
    expected = _expected_frames(file, name, stream, len(table), errors)
    lost = expected - len(shown)
    if lost > 0:
        hidden = _before_first(table, shown)
        in_edits = _frames_in_edits(file) if name == 'mov' else None
        if in_edits is not None:
            expected, hidden = max(in_edits, len(shown)), 0
            lost = expected - len(shown)
        lost -= hidden + table.empty
        is_mpeg4 = stream.codec_context.name == 'mpeg4'
        lost -= _repeats(table, shown) if is_mpeg4 else 0
    elif name in UNCOUNTED:
        lost = frames_in_gaps(times[:-1])
        if lost and name == 'mpegts' and not _has_lost_packets(file, stream):
            lost = 0  # a variable rate
        expected = len(shown) + lost
    return lost, expected


def _expected_frames(
    file: File, container: str, stream: VideoStream, packets: int, errors: int
) -> int:
    """Frames by the header; 0 if it does not tell."""
    if container == 'avi' and _index_length(stream) in (None, packets):
        return packets  # its header counts gaps, too
    expected = stream.frames or (packets if errors else 0)
    if container == 'mov' and not stream.frames:  # of fragments, or of damage
        return _frames_in_edits(file) or expected
    return expected


def _frames_in_edits(file: File) -> Optional[int]:
    size = size_of(file)
    with opened(file) as content:
        return frames_in_edits(content, size)


def error_without_frames(
    path: str, file: File, codec: str, table: PacketTable, errors: int
) -> VideoError:
    """Why nothing of a video can be shown.

    Args:
        path (str): For messages.
        file (str | BinaryIO): The file.
        codec (str): FFmpeg's name of its decoder.
        table (PacketTable): Its packets.
        errors (int): Packets that could not be read or decoded.
    """
    if codec == 'webp':  # only pictures that stand still are decoded
        return NoDecoderError(path, 'there is no decoder for animated WebP pictures')
    reason = f'no frame can be decoded ({errors} broken packets)'
    if not errors and all(map(table.is_hidden, range(len(table)))):
        is_cut = _frames_in_edits(file) is not None
        reason = (
            'its edit list shows none of its frames'
            if is_cut
            else 'it has no frames, only a header'
        )
    cut = missing_bytes(file)
    if cut:
        reason += f'; it is cut off: {cut} bytes are missing'
    return DamagedVideoError(path, reason)


def _broken_elements(file: File) -> int:
    with mapped(file) as content:
        return broken_elements(content)


def _has_lost_packets(file: File, stream: VideoStream) -> bool:
    with opened(file) as content:
        return has_lost_packets(content, stream.id)


def _before_first(table: PacketTable, shown: Sequence[int]) -> int:
    """Packets that an edit list hides before the first frame."""
    first = table.pts[shown[0]]
    return sum(
        table.is_hidden(number) and table.pts[number] < first
        for number in range(len(table))
    )


def _repeats(table: PacketTable, shown: Sequence[int]) -> int:
    """Packets of MPEG-4 that stand for the frame before."""
    known = set(shown)
    return sum(
        size <= TINY and number not in known for number, size in enumerate(table.sizes)
    )


def _length_of(container: InputContainer, stream: VideoStream) -> float:
    """Seconds of the pictures, as the container says; 0 if it does not."""
    tag = re.fullmatch(r'(\d+):(\d\d):(\d\d\.\d+)', stream.metadata.get('DURATION', ''))
    if tag:
        hours, minutes, seconds = map(float, tag.groups())
        return 3600 * hours + 60 * minutes + seconds
    if container.format.name.split(',')[0] not in ('matroska', 'flv'):
        return 0.0
    if len(container.streams) > 1:  # it may be the length of the sound
        return 0.0
    return (container.duration or 0) / 1e6


def _start_of(container: InputContainer) -> float:
    """Seconds before the start of a file that its lengths count, too."""
    if not container.format.name.startswith('matroska'):
        return 0.0
    return max(0, container.start_time or 0) / 1e6


def _index_length(stream: VideoStream) -> Optional[int]:
    """Packets in the index of the container; None if PyAV is too old to tell."""
    index = getattr(stream, 'index_entries', None)
    return None if index is None else len(index)
