"""Pictures of videos that a browser cannot play."""

import io
import os.path as osp
import threading

from PIL import Image

from ..files import replaced
from ..video import WorkerPool
from ..video.files import check_file as check_readable
from ..video.opening import open_video_stream
from .limits import Limits, check_file

NAME = 'preview.jpg'  # beside the video; empty if there can be none
COUNT = 6  # frames
SIDE = 224  # pixels of a frame, along its longer side
GAP = 4  # pixels between frames
SECONDS = 15.0  # to look at a video
PATIENCE = 30.0  # seconds for those of others


class Previews:
    """Makes pictures of videos, one at a time, and keeps them.

    Args:
        limits (Limits): Of the page.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self._lock = limits, threading.Lock()

    def of(self, video: str) -> bytes:
        """A JPEG of some frames; empty if there can be none, or not now.

        Args:
            video (str): Path of the file.
        """
        path = osp.join(osp.dirname(video), NAME)
        if not self._lock.acquire(timeout=PATIENCE):
            return b''
        try:
            if not osp.exists(path):
                content = self._make(video)
                with replaced(path, durable=False) as draft, open(draft, 'wb') as file:
                    file.write(content)
            with open(path, 'rb') as file:
                return file.read()
        except OSError:  # the disk is full, or the video was deleted
            return b''
        finally:
            self._lock.release()

    def _make(self, video: str) -> bytes:
        try:
            check_file(video, self._limits, SECONDS)
            with WorkerPool(_sheet_of, 1, SECONDS) as pool:
                return pool.run(video)
        except (MemoryError, OSError, RuntimeError, ValueError):
            return b''


def _sheet_of(path: str) -> bytes:
    """A JPEG of frames from the whole video, where it can be entered quickly."""
    images = _frames(path)
    if not images:
        return b''
    width, height = images[0].size
    columns = 3 if width >= height else COUNT
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    sheet = Image.new('RGB', (columns * (width + GAP), rows * (height + GAP)), 'white')
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        sheet.paste(image, (column * (width + GAP), row * (height + GAP)))
    content = io.BytesIO()
    sheet.crop((0, 0, sheet.width - GAP, sheet.height - GAP)).save(content, 'jpeg')
    return content.getvalue()


def _frames(path: str) -> list[Image.Image]:
    container, stream = open_video_stream(path, check_readable(path))
    images: list[Image.Image] = []
    with container:
        start = container.start_time or 0
        for number in range(COUNT):
            # Of the middle of each part; in microseconds, for the container.
            place = start + (container.duration or 0) * (2 * number + 1) // (2 * COUNT)
            try:
                container.seek(place)
                frame = next(container.decode(stream))
            except (OSError, StopIteration, ValueError):  # as of PyAV, too
                continue
            image = frame.to_image()
            if getattr(frame, 'rotation', 0):
                image = image.rotate(frame.rotation, expand=True)
            image.thumbnail((SIDE, SIDE))
            images.append(image)
    return images
