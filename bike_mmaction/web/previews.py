"""Pictures of videos that visitors have sent."""

import os.path as osp
import threading

from ..files import replaced
from .limits import Limits
from .sheets import Wish, make_sheet

NAME = 'preview.jpg'  # beside the video; empty if there can be none
PATIENCE = 30.0  # seconds to wait while those of others are made


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
                content = make_sheet(Wish(video), self._limits)
                with replaced(path, durable=False) as draft, open(draft, 'wb') as file:
                    file.write(content)
            with open(path, 'rb') as file:
                return file.read()
        except OSError:  # the disk is full, or the video was deleted
            return b''
        finally:
            self._lock.release()
