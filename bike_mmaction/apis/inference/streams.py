"""Cameras and network streams, as windows of frames."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Optional, Union

import numpy as np

from .sources import Source


class Stream:
    """The last seconds of a camera or network stream.

    A thread reads all frames and keeps those of the last window, so that a
    slow model sees the present, and not an ever longer past.

    Args:
        address (int | str): Number of a camera, or an address that OpenCV
            opens, such as 'rtsp://...' or 'http://...'.
        window (float): Seconds to keep.
        fps (float): Frames to keep of each second.

    Raises:
        ValueError: if a number is not positive, nothing can be opened, or
            it is a file and not live.
    """

    def __init__(self, address: Union[int, str], window: float, fps: float) -> None:
        import cv2

        if window <= 0 or fps <= 0:
            raise ValueError(f'window={window} and fps={fps} must be positive')
        self.name = str(address)
        self._window, self._period = window, 1 / fps
        self._capture = cv2.VideoCapture(
            int(address) if self.name.isdigit() else address
        )
        if not self._capture.isOpened():
            raise ValueError(f"cannot open the camera or stream '{address}'")
        total = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if total > 0:  # it would be read faster than it plays
            raise ValueError(
                f"'{address}' is a file of {total:.0f} frames, "
                'no live stream: download it'
            )
        self._kept: deque[tuple[float, np.ndarray]] = deque()
        self._news = threading.Condition()
        self._closed = self._ended = False
        self._error: Optional[Exception] = None
        self._now = 0.0
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> 'Stream':
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._closed = True
        self._thread.join(timeout=5)
        if not self._thread.is_alive():  # else OpenCV waits for the network
            self._capture.release()

    def _has_reached(self, due: float) -> bool:
        return self._ended or self._now >= due

    def windows(self, stride: float) -> Iterator[tuple[Source, tuple]]:
        """Wait for window after window, until the stream ends.

        Args:
            stride (float): Seconds from one window to the next, at least.

        Yields:
            tuple[Source, tuple[float, float]]: Frames, and the seconds since
            the first frame at which they begin and end.

        Raises:
            ValueError: if ``stride`` is not positive, or the stream ends
                before its first frame.
        """
        if stride <= 0:
            raise ValueError(f'stride={stride} must be positive')
        due, given = self._window, False
        while True:
            with self._news:
                self._news.wait_for(partial(self._has_reached, due))
                ended, now, kept = self._ended, self._now, list(self._kept)
            if self._error is not None:
                raise self._error
            if not kept:
                raise ValueError(f"the stream '{self.name}' has no frames")
            # What is left of a stream counts only if it is all there was.
            if not ended or not given:
                images = [image for _, image in kept]
                yield Source(self.name, images), (kept[0][0], now)
                given = True
            if ended:
                return
            due = now + stride

    def _read(self) -> None:
        try:
            self._read_all()
        except Exception as error:  # for the thread that waits
            self._error = error
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _read_all(self) -> None:
        import cv2

        start, due = None, 0.0
        while not self._closed:
            is_read, image = self._capture.read()
            if not is_read:
                return
            start = time.monotonic() if start is None else start
            now = time.monotonic() - start
            with self._news:
                self._now = now
                if now >= due:
                    self._kept.append((now, cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
                    due += self._period * (1 + (now - due) // self._period)
                while self._kept and self._kept[0][0] < now - self._window:
                    self._kept.popleft()
                self._news.notify_all()
