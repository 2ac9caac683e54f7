"""What can be recognized: files, folders and arrays, as a pipeline sees it."""

import os
import os.path as osp
import re
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np
from mmengine.dataset import Compose

from ..datasets.segments import segment_frames
from ..errors import PipelineError, explain
from ..files import VIDEO_EXTENSIONS, has_extension

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
Segment = tuple[float, float]


class Source(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        name (str): For results and messages.
        content (Sequence): Its frames, images [H, W, 3], RGB, uint8: an
            array, :class:`ImageFolder` or :class:`VideoFile`.
        segment (tuple[float, float], optional): Begin and end in seconds.
        fps (float): Frames per second, of anything but files.
            Defaults to 25.
    """

    name: str
    content: Any
    segment: Optional[Segment] = None
    fps: float = 25.0


class VideoFile:
    """The frames of a video file, decoded when needed.

    It is opened once for all of its windows, and not read into memory, as
    MMAction2's ``DecordInit`` does.

    Args:
        path (str): The file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._reader = None
        self._lock = threading.Lock()  # decord seeks, then reads

    def close(self) -> None:
        """Release the decoder; it is opened again when needed."""
        with self._lock:
            self._reader = None

    @property
    def fps(self) -> float:
        """Frames per second, on the average.

        Raises:
            PipelineError: if the file cannot be read, or does not tell.
        """
        fps = self._call(lambda reader: reader.get_avg_fps())
        if not 0 < fps < float('inf'):
            raise PipelineError(f"'{self.path}' has {fps} frames a second")
        return fps

    def __len__(self) -> int:
        return self._call(len)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._call(lambda reader: _as_image(reader[index]))

    def _call(self, function):
        import decord

        try:
            with self._lock:
                if self._reader is None:
                    self._reader = decord.VideoReader(self.path, num_threads=1)
                return function(self._reader)
        except Exception as error:
            raise PipelineError(explain(self.path, error)) from error


def _as_image(frame) -> np.ndarray:
    image = frame.asnumpy()
    if image.shape[-1] != 3:  # decord 0.6, of frames 16 pixels wide
        raise ValueError(
            f'decord makes {image.shape} of its frames, which should be [H, W, 3]'
        )
    return image


class ImageFolder:
    """The images of a folder, read when needed.

    Args:
        path (str): The folder. Numbers in the names of its files are put in
            order as numbers: 2.png before 10.png.
    """

    def __init__(self, path: str) -> None:
        self.paths = _files(path, IMAGES)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        import cv2

        image = cv2.imread(self.paths[index])
        if image is None:
            raise PipelineError(f"'{self.paths[index]}' is no image")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _files(folder: str, suffixes: Sequence[str]) -> list[str]:
    names = [n for n in os.listdir(folder) if has_extension(n, suffixes)]
    names.sort(
        key=lambda name: [
            int(part) if place % 2 else part
            for place, part in enumerate(re.split(r'([0-9]+)', name))
        ]
    )
    return [osp.join(folder, name) for name in names]


def frame_rate(source: Source) -> float:
    """Frames per second of a video.

    Raises:
        PipelineError: if it is a file that cannot be read.
        ValueError: if it is given, and not positive.
    """
    if isinstance(source.content, VideoFile):
        return source.content.fps
    if not 0 < source.fps < float('inf'):
        raise ValueError(f'fps={source.fps} must be positive')
    return source.fps


def close_file(source: Source) -> None:
    """Release the decoder of a file."""
    if isinstance(source.content, VideoFile):
        source.content.close()


def find_sources(inputs) -> list[Source]:
    """Videos behind what a user gave.

    Args:
        inputs: A video file; a folder of videos (images beside them do not
            count), or of the frames of one; an array of frames [T, H, W, 3],
            RGB, uint8; a :class:`Source`; or a list of these.

    Returns:
        list[Source]: In their order; those of a folder by name.

    Raises:
        TypeError: if it is none of these.
        ValueError: if a folder has neither videos nor images, or an array
            another shape.
    """
    if isinstance(inputs, Source):
        return [inputs]
    if isinstance(inputs, (list, tuple)):
        return [source for one in inputs for source in find_sources(one)]
    if isinstance(inputs, np.ndarray):
        return [Source('array', _check_frames(inputs))]
    if not isinstance(inputs, (str, os.PathLike)):
        raise TypeError(
            'expected a path, an array of frames, or a list of '
            f'these, got a {type(inputs).__name__}'
        )
    path = os.fspath(inputs)
    if not osp.isdir(path):
        return [Source(path, VideoFile(path))]
    videos = _files(path, VIDEO_EXTENSIONS)
    if videos:
        return [Source(video, VideoFile(video)) for video in videos]
    images = ImageFolder(path)
    if not len(images):
        raise ValueError(
            f"'{path}' has neither videos ({', '.join(VIDEO_EXTENSIONS)}) nor images"
        )
    return [Source(path, images)]


def _check_frames(frames: np.ndarray) -> np.ndarray:
    """Frames [T, H, W, 3], uint8, with T > 0; others are refused."""
    images = frames.ndim == 4 and frames.shape[-1] == 3 and len(frames)
    if not images or frames.dtype != np.uint8:
        raise ValueError(
            f'expected frames [T, H, W, 3], uint8, got {frames.shape}, {frames.dtype}'
        )
    return frames


def windows_of(source: Source, window: float, stride: float) -> list[Source]:
    """Cut a video into windows; the last one ends with the video.

    Args:
        source (Source): The video.
        window (float): Length of a window, in seconds.
        stride (float): From one begin to the next, in seconds.

    Raises:
        ValueError: if a length or ``fps`` is not positive.
        PipelineError: if the video cannot be read.
    """
    if window <= 0 or stride <= 0:
        raise ValueError(f'window={window} and stride={stride} must be positive')
    duration = len(source.content) / frame_rate(source)
    count = 1 + max(0, int(np.ceil((duration - window) / stride - 1e-6)))
    starts = [min(i * stride, max(duration - window, 0)) for i in range(count)]
    return [source._replace(segment=(s, min(s + window, duration))) for s in starts]


class SourceReader:
    """The pipeline of a config, for all sources.

    Args:
        pipeline (Sequence[dict]): That of a test, on video files.

    Raises:
        ValueError: if it is another one.
    """

    def __init__(self, pipeline: Sequence[dict]) -> None:
        names = [step['type'] for step in pipeline]
        if 'DecordInit' not in names or 'DecordDecode' not in names:
            raise ValueError(
                'the test pipeline must read video files with '
                f'DecordInit and DecordDecode, got {names}'
            )
        steps: list[dict[str, Any]] = [
            dict(type='ArrayDecode') if step['type'] == 'DecordDecode' else dict(step)
            for step in pipeline
            if step['type'] not in ('DecordInit', 'LoadAttributes', 'KeepSegment')
        ]
        steps[-1].pop('algorithm_keys', None)
        steps[-1].update(meta_keys=('filename', 'frame_inds', 'fps', 'clip_len'))
        self._steps = Compose(steps)

    def __call__(self, source: Source) -> dict[str, Any]:
        """Read a source: inputs and data sample.

        Raises:
            PipelineError: if it cannot be read; names it.
        """
        first, count = 0, len(source.content)
        if source.segment:
            first, count = segment_frames(source.segment, frame_rate(source), count)
        return self._steps(
            dict(
                filename=source.name,
                modality='RGB',
                label=-1,
                array=source.content,
                start_index=first,
                total_frames=count,
            )
        )
