"""Frames of a video side by side, as a picture of a page."""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from PIL import Image

from ..video import WorkerPool
from ..video.files import check_file as check_readable
from ..video.opening import open_video_stream
from .limits import Limits, check_file

COUNT = 6  # frames of a whole video
OF_MOMENT = 4  # and of a moment of one
SIDE = 224  # pixels of a frame, along its longer side
GAP = 4  # pixels between frames
SECONDS = 15.0  # to look at a video
SHORT = 60.0  # seconds of a video, below which frames are found exactly
MICROSECONDS = 1_000_000  # of a second, for the container


class Wish(NamedTuple):
    """Of which frames a sheet is wanted.

    Attributes:
        path (str): The video.
        span (tuple[float, float], optional): Begin and end of a moment, in
            seconds, whose frames are found exactly and stand in one row. None
            is the whole video; a long one, where it can be entered quickly.
    """

    path: str
    span: Optional[tuple[float, float]] = None


def make_sheet(wish: Wish, limits: Limits) -> bytes:
    """A JPEG, made in a process of its own; empty if there can be none.

    Args:
        wish (Wish): Of which frames.
        limits (Limits): Of the page.
    """
    try:
        check_file(wish.path, limits, SECONDS)
        with WorkerPool(_sheet_of, 1, SECONDS) as pool:
            return pool.run(wish)
    except (MemoryError, OSError, RuntimeError, ValueError):
        return b''


def _sheet_of(wish: Wish) -> bytes:
    images = _frames(wish)
    if not images:
        return b''
    width, height = images[0].size
    columns = 3 if width >= height and wish.span is None else COUNT
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    sheet = Image.new('RGB', (columns * (width + GAP), rows * (height + GAP)), 'white')
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        sheet.paste(image, (column * (width + GAP), row * (height + GAP)))
    content = io.BytesIO()
    sheet.crop((0, 0, sheet.width - GAP, sheet.height - GAP)).save(content, 'jpeg')
    return content.getvalue()


def _frames(wish: Wish) -> list[Image.Image]:
    container, stream = open_video_stream(wish.path, check_readable(wish.path))
    images: list[Image.Image] = []
    with container:
        duration = (container.duration or 0) / MICROSECONDS
        exactly = wish.span is not None or duration < SHORT
        for place in _places(wish, duration):
            try:
                frame = _frame_at(container, stream, place, exactly)
            except (OSError, StopIteration, ValueError):  # as of PyAV, too
                continue
            image = frame.to_image()
            if getattr(frame, 'rotation', 0):
                image = image.rotate(frame.rotation, expand=True)
            image.thumbnail((SIDE, SIDE))
            images.append(image)
    return images


def _places(wish: Wish, duration: float) -> Sequence[float]:
    """The middle of each part, in seconds."""
    begin, end = wish.span or (0.0, duration)
    count = COUNT if wish.span is None else OF_MOMENT
    return [begin + (end - begin) * (2 * n + 1) / (2 * count) for n in range(count)]


def _frame_at(container: Any, stream: Any, seconds: float, exactly: bool) -> Any:
    """The frame that is shown at a time, or that of an entry near it.

    Raises:
        StopIteration: if there is none.
    """
    start = (container.start_time or 0) / MICROSECONDS
    container.seek(round((start + seconds) * MICROSECONDS))
    frames = container.decode(stream)
    shown = next(frames)
    if exactly:
        for frame in frames:
            if frame.time is None or frame.time > start + seconds:
                break
            shown = frame
    return shown
