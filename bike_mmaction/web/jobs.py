"""What the buttons do: videos and class names to results and their files."""

import math
import os.path as osp
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from ..apis.inference.frames import VideoFile
from ..apis.inference.pictures import ResultWriter
from ..apis.inference.recognition import Recognition
from ..apis.inference.sources import Source, close_file, windows_of
from .limits import Limits, OutOfTimeError, check_file, check_size, stride_of
from .models import Wanted
from .tables import write_results
from .text import reason_of, without_folder
from .uploads import Uploads

FORMATS = ('json', 'png', 'mp4')
KEPT = 20  # results whose files stay, until Gradio has copied them


class Results(NamedTuple):
    """Of one video.

    Attributes:
        recognitions (list[Recognition]): One, or those of its windows.
        files (dict[str, str]): Paths by suffix, such as '.png'.
    """

    recognitions: list[Recognition]
    files: dict[str, str]


class Jobs:
    """Does what visitors ask for, within the limits.

    Args:
        folder (str): For results.
        uploads (Uploads): Where videos come from.
        limits (Limits): Of the page.
    """

    def __init__(self, folder: str, uploads: Uploads, limits: Limits) -> None:
        self._folder, self._uploads, self._limits = folder, uploads, limits
        self._lock, self._folders = threading.Lock(), deque[str]()

    def recognize(self, video: str, wanted: Wanted) -> Results:
        """Recognize an uploaded video.

        Args:
            video (str): Its path.
            wanted (Wanted): Model, classes, threshold and window.

        Raises:
            MemoryError: if a process that reads needs too much.
            OSError: if there is no space for results.
            RuntimeError: if the video cannot be read.
            ValueError: if something is above its limit.
        """
        end = time.monotonic() + self._limits.seconds
        source = self._open(video, wanted, end)
        try:
            recognitions = self._recognize(source, wanted, end)
            for recognition in recognitions:
                recognition.source = osp.basename(video)
            files = self._write(source, recognitions, wanted.threshold)
        finally:
            close_file(source)
        return Results(recognitions, {osp.splitext(path)[1]: path for path in files})

    def recognize_each(
        self, videos: Sequence[str], wanted: Wanted
    ) -> Iterator[Recognition]:
        """Recognize uploaded videos one by one; what is wrong with one costs
        itself alone.

        Args:
            videos (Sequence[str]): Their paths.
            wanted (Wanted): Model, classes and threshold.

        Yields:
            Recognition: Of the next one.

        Raises:
            ValueError: if there are too many.
        """
        most = self._limits.videos
        if len(videos) > most:
            raise ValueError(
                f'there are {len(videos):,} videos; the page takes at most {most:,} '
                'at once'
            )
        end = time.monotonic() + self._limits.seconds
        for video in videos:  # also the last one stays until its turn
            self._uploads.touch(video)
        for video in videos:
            name = osp.basename(video)
            try:
                if time.monotonic() > end:
                    raise OutOfTimeError(
                        f'not looked at: {self._limits.seconds:g} s, the time for one '
                        'request, are over'
                    )
                yield self._recognize_alone(video, wanted, end)
            except (MemoryError, OSError, RuntimeError, ValueError) as error:
                reason = without_folder(reason_of(error), video)
                yield Recognition(name, error=reason)

    def write_table(self, recognitions: Sequence[Recognition]) -> list[str]:
        """Files with the results of several videos: CSV and JSON.

        Raises:
            OSError: if there is no space.
        """
        self._uploads.make_room()
        return write_results(self._new_folder(), recognitions)

    def _recognize_alone(self, video: str, wanted: Wanted, end: float) -> Recognition:
        source = self._open(video, wanted, end)
        try:
            (recognition,) = self._recognize(source, wanted, end)
        finally:
            close_file(source)
        recognition.source = osp.basename(video)
        return recognition

    def _open(self, video: str, wanted: Wanted, end: float) -> Source:
        if not self._uploads.has(video):
            raise ValueError('The video is no longer here: drop it again.')
        self._uploads.touch(video)
        self._uploads.make_room()
        time_limit = wanted.bike.time_limit or math.inf
        check_file(video, self._limits, time_limit)
        options = wanted.bike.reader.options
        file = _TimedFile(video, True, time_limit, **options)
        file.end = end
        return Source(video, file)

    def _recognize(
        self, source: Source, wanted: Wanted, end: float
    ) -> list[Recognition]:
        width, height = source.content.reader.size
        check_size(width, height, self._limits)
        bike, names, threshold, window = wanted
        sources = self._windows(source, window) if window else [source]
        results = bike.each(sources, names, threshold=threshold, progress=True)
        recognitions = []
        with closing(results):  # type: ignore[type-var]
            for recognition in results:
                recognitions.append(recognition)
                if time.monotonic() > end:
                    break
        if all(recognition.error for recognition in recognitions):
            raise ValueError(recognitions[0].error)
        if len(recognitions) < len(sources):
            _warn(
                recognitions[0],
                f'stopped after {self._limits.seconds:g} s, the time for one request: '
                f'these are the first {len(recognitions)} of {len(sources)} windows',
            )
        return recognitions

    def _windows(self, source: Source, window: float) -> list[Source]:
        times: np.ndarray = source.content.reader.times
        seconds = float(times[-1])
        stride = stride_of(window, len(times) - 1, seconds, self._limits)
        return windows_of(source, window, stride)

    def _write(
        self, source: Source, recognitions: list[Recognition], threshold: float
    ) -> list[str]:
        frames, formats = len(source.content), list(FORMATS)
        if frames > self._limits.drawn:
            formats.remove('mp4')
            _warn(
                recognitions[0],
                f'no annotated video: it has {frames:,} frames, and the page draws at '
                f'most {self._limits.drawn:,}',
            )
        writer = ResultWriter(self._new_folder(), formats, threshold, progress=True)
        return writer.write(source, recognitions)

    def _new_folder(self) -> str:
        folder = tempfile.mkdtemp(dir=self._folder)
        with self._lock:
            self._folders.append(folder)
            old = [self._folders.popleft() for _ in range(len(self._folders) - KEPT)]
        for one in old:
            shutil.rmtree(one, ignore_errors=True)
        return folder


def _warn(recognition: Recognition, text: str) -> None:
    """Add to what makes a result doubtful."""
    recognition.warning = '; '.join(filter(None, (recognition.warning, text)))


class _TimedFile(VideoFile):
    """A file that nobody goes through for longer than until an end."""

    end = math.inf

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """See the base class.

        Raises:
            OutOfTimeError: if it takes too long.
        """
        for image in super().iterate(indices):
            if time.monotonic() > self.end:
                raise OutOfTimeError('the time for one request is over')
            yield image
