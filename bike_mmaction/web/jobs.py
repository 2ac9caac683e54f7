"""What the button does: a video and class names to results and their files."""

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
from ..apis.inference.inferencer import BIKEInferencer
from ..apis.inference.pictures import ResultWriter
from ..apis.inference.recognition import Recognition
from ..apis.inference.sources import Source, close_file, windows_of
from ..datasets.typed_names import split_names
from .limits import (
    Limits,
    OutOfTimeError,
    check_file,
    check_names,
    check_numbers,
    check_size,
    check_text,
    stride_of,
)
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
        bike (BIKEInferencer): Recognizes; its files are read by other
            processes.
        folder (str): For results.
        uploads (Uploads): Where videos come from.
        limits (Limits): Of the page.
    """

    def __init__(
        self, bike: BIKEInferencer, folder: str, uploads: Uploads, limits: Limits
    ) -> None:
        self._bike, self._folder = bike, folder
        self._uploads, self._limits = uploads, limits
        self._lock, self._folders = threading.Lock(), deque[str]()

    def recognize(
        self, video: str, classes: str, threshold: float, window: float
    ) -> Results:
        """Recognize an uploaded video.

        Args:
            video (str): Its path.
            classes (str): Names as typed.
            threshold (float): See :meth:`.BIKEInferencer.__call__`.
            window (float): In seconds; 0 for the whole video.

        Raises:
            MemoryError: if a process that reads needs too much.
            OSError: if there is no space for results.
            RuntimeError: if the video cannot be read.
            ValueError: if something is above its limit, or no name is typed.
        """
        if not self._uploads.has(video):
            raise ValueError('The video is no longer here: drop it again.')
        self._uploads.touch(video)
        self._uploads.make_room()
        check_numbers(threshold, window)
        check_text(classes, self._limits)
        names = split_names(classes)
        check_names(names, self._limits)
        if self._bike.head.bias is not None:  # with 0 it would name all classes
            threshold = self._bike.threshold_for(names, threshold or None)
        end = time.monotonic() + self._limits.seconds
        source = self._open(video, end)
        try:
            recognitions = self._recognize(source, names, threshold, window, end)
            for recognition in recognitions:
                recognition.source = osp.basename(video)
            files = self._write(source, recognitions, threshold)
        finally:
            close_file(source)
        return Results(recognitions, {osp.splitext(path)[1]: path for path in files})

    def _open(self, video: str, end: float) -> Source:
        time_limit = self._bike.time_limit or math.inf
        check_file(video, self._limits, time_limit)
        options = self._bike.reader.options
        file = _TimedFile(video, True, time_limit, **options)
        file.end = end
        return Source(video, file)

    def _recognize(
        self,
        source: Source,
        names: list[str],
        threshold: float,
        window: float,
        end: float,
    ) -> list[Recognition]:
        width, height = source.content.reader.size
        check_size(width, height, self._limits)
        sources = self._windows(source, window) if window else [source]
        results = self._bike.each(sources, names, threshold=threshold, progress=True)
        recognitions = []
        with closing(results):  # type: ignore[type-var]
            for recognition in results:
                recognitions.append(recognition)
                if time.monotonic() > end:
                    break
        if all(recognition.error for recognition in recognitions):
            raise ValueError(recognitions[0].error)
        if len(recognitions) < len(sources):
            recognitions[0].warning = (
                f'stopped after {self._limits.seconds:g} s, the time for one request: '
                f'these are the first {len(recognitions)} of {len(sources)} windows'
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
            text = (
                f'no annotated video: it has {frames:,} frames, and the page draws at '
                f'most {self._limits.drawn:,}'
            )
            warnings = recognitions[0].warning, text
            recognitions[0].warning = '; '.join(filter(None, warnings))
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
