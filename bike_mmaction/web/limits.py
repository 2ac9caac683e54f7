"""What the page takes at most, whoever its visitors are."""

import math
from dataclasses import dataclass

from ..errors import PipelineError
from ..video import VideoError, WorkerError, WorkerPool
from ..video.files import check_file as check_readable
from ..video.opening import open_video_stream

GB = 2**30
# Files that name other files of this machine, which a visitor may not see.
PLAYLISTS = ('hls', 'dash', 'concat', 'image2', 'sdp', 'imf', 'webvtt')


@dataclass(frozen=True)
class Limits:
    """Numbers above which a request is refused, in words.

    Args:
        queue (int): Requests that wait for their turn.
        at_once (int): Requests that are worked on at a time.
        seconds (float): For one request. Then what is done is shown.
        upload (int): Bytes of a file.
        disk (int): Bytes of all files that the page keeps.
        pixels (int): Of a frame.
        windows (int): Of a video.
        videos (int): That are recognized by one request.
        matches (int): Videos that a search gives.
        query (int): Characters of a text to search for.
        classes (int): Names.
        text (int): Characters of all names.
        drawn (int): Frames of a video that is shown annotated.
        memory (int): Bytes of a process that reads.
        open (int): Connections at a time.
        share (float): Of the places in the queue, the connections and the
            space, what one visitor may take.
    """

    queue: int = 20
    at_once: int = 2
    seconds: float = 600
    upload: int = 2 * GB
    disk: int = 10 * GB
    pixels: int = 8192 * 4320
    windows: int = 2000
    videos: int = 50
    matches: int = 50
    query: int = 1000
    classes: int = 1000
    text: int = 50_000
    drawn: int = 15_000
    memory: int = 3 * GB
    open: int = 500
    share: float = 0.25

    def of_one(self, places: int) -> int:
        """How many of these places one visitor may take: one at least."""
        return max(1, int(places * self.share))


def check_text(text: str, limits: Limits) -> None:
    """Refuse a text of names before it is parted.

    Raises:
        ValueError: names the limit.
    """
    if len(text) > limits.text:
        raise ValueError(
            f'the class names have {len(text):,} characters; the page takes at most '
            f'{limits.text:,}'
        )


def check_names(names: list[str], limits: Limits) -> None:
    """Refuse too many names.

    Raises:
        ValueError: names the limit.
    """
    if len(names) > limits.classes:
        raise ValueError(
            f'there are {len(names):,} classes; the page takes at most '
            f'{limits.classes:,}'
        )


def check_numbers(threshold: float, window: float) -> None:
    """Refuse what is no number of seconds, or no confidence.

    Raises:
        ValueError: names the field.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f'the threshold is {threshold}; expected 0 to 1')
    if not 0 <= window < math.inf:
        raise ValueError(
            f'the window is {window} s; expected seconds, or 0 for the whole video'
        )


def stride_of(window: float, frames: int, seconds: float, limits: Limits) -> float:
    """Seconds from one window to the next: half of one, but not below a frame.

    Args:
        window (float): Its length in seconds.
        frames (int): Of the video.
        seconds (float): Length of the video.
        limits (Limits): Of the page.

    Raises:
        ValueError: if a window is shorter than a frame, or there are too many;
            says which is the shortest.
    """
    frame = seconds / frames
    if window < frame * (1 - 1e-6):
        raise ValueError(
            f'a window of {window:g} s is shorter than a frame: here one takes '
            f'{_ceil(frame):g} s'
        )
    stride = max(window / 2, frame)
    count = 1 + max(0, math.ceil((seconds - window) / stride - 1e-6))
    if count > limits.windows:
        shortest = _ceil(2 * seconds / limits.windows)
        raise ValueError(
            f'windows of {window:g} s would be {count:,} for this video of '
            f'{seconds:.0f} s; the page takes at most {limits.windows:,}: '
            f'use windows of {shortest:g} s or more'
        )
    return stride


def check_file(path: str, limits: Limits, time_limit: float) -> None:
    """Look at the header of a file, in a process of its own.

    Args:
        path (str): The file.
        limits (Limits): Of the page.
        time_limit (float): Seconds.

    Raises:
        VideoError: if it is no video, or names other files.
        ValueError: if its frames are too large.
    """
    try:
        with WorkerPool(_header, 1, time_limit) as pool:
            kind, width, height = pool.run(path)
    except WorkerError as error:
        raise error.of_video(path) from error
    if set(kind.split(',')) & set(PLAYLISTS):
        raise VideoError(path, f'it is a playlist, which names other files ({kind})')
    check_size(width, height, limits)


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse frames that are too large.

    Raises:
        ValueError: names the limit.
    """
    if width * height > limits.pixels:
        raise ValueError(
            f'its frames have {width} x {height} pixels; the page takes at most '
            f'{limits.pixels / 1e6:.3g} million'
        )


def _header(path: str) -> tuple[str, int, int]:
    """Format, width and height, as the container says."""
    container, stream = open_video_stream(path, check_readable(path))
    with container:
        context = stream.codec_context
        return container.format.name, context.width, context.height


def _ceil(seconds: float) -> float:
    """Rounded up to three digits: what a person may type."""
    if seconds <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 2)
    return math.ceil(seconds / unit - 1e-6) * unit


class OutOfTimeError(PipelineError):
    """A request took longer than the page allows."""
