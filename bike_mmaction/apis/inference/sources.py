"""What can be recognized: files, folders and arrays, as a pipeline sees it."""

import os
import os.path as osp
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from mmengine.dataset import Compose

from ...datasets.pipeline_access import VIDEO_DECODES, VIDEO_INITS
from ...datasets.segments import constant_times, frames_between
from ...files import VIDEO_EXTENSIONS
from ...shards import videos_in_shards
from .frames import ImageFolder, ImageSequence, VideoFile, numbered_files

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


def images_of(source: Source) -> Union[VideoFile, ImageSequence]:
    """What reads the frames of a source, some at once or one by one."""
    if isinstance(source.content, VideoFile):
        return source.content
    return ImageSequence(source.content)


def times_of(source: Source) -> np.ndarray:
    """When each frame is shown, and when the last one ends, in seconds [N + 1].

    Raises:
        VideoError: if it is a file that cannot be read.
        ValueError: if its frames a second are given, and not positive.
    """
    if isinstance(source.content, VideoFile):
        return source.content.reader.times
    if not 0 < source.fps < float('inf'):
        raise ValueError(f'fps={source.fps} must be positive')
    return constant_times(len(source.content), source.fps)


def frame_rate(source: Source) -> float:
    """Frames per second, on the average; raises as :func:`times_of`."""
    times = times_of(source)
    return (len(times) - 1) / float(times[-1] - times[0])


def isolate(source: Source, time_limit: Optional[float]) -> Source:
    """The same source; of a file the frames are read in a process of its own.

    Args:
        source (Source): A video.
        time_limit (float, optional): Seconds to read some frames in; None is
            without limit.
    """
    if not isinstance(source.content, VideoFile):
        return source
    return source._replace(content=source.content.isolated(time_limit))


def close_file(source: Source) -> None:
    """Release the decoder of a file."""
    if isinstance(source.content, VideoFile):
        source.content.close()


def find_sources(inputs, **options: Any) -> list[Source]:
    """Videos behind what a user gave.

    Args:
        inputs: A video file; a folder of videos (images beside them do not
            count), of the frames of one, or of tar files, whose videos in all
            folders it stands for; an array of frames [T, H, W, 3], RGB, uint8;
            a :class:`Source`; or a list of these.
        **options: How files are opened, see :class:`VideoFile`.

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
        return [source for one in inputs for source in find_sources(one, **options)]
    if isinstance(inputs, np.ndarray):
        return [Source('array', _check_frames(inputs))]
    if not isinstance(inputs, (str, os.PathLike)):
        raise TypeError(
            'expected a path, an array of frames, or a list of '
            f'these, got a {type(inputs).__name__}'
        )
    path = os.fspath(inputs)
    videos = list(videos_in_shards(path))
    if osp.isdir(path):
        videos += numbered_files(path, VIDEO_EXTENSIONS)
    elif not videos:
        videos = [path]
    if videos:
        return [Source(video, VideoFile(video, **options)) for video in videos]
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
    duration = float(times_of(source)[-1])
    count = 1 + max(0, int(np.ceil((duration - window) / stride - 1e-6)))
    starts = [min(i * stride, max(duration - window, 0)) for i in range(count)]
    return [source._replace(segment=(s, min(s + window, duration))) for s in starts]


class SourceReader:
    """The pipeline of a config, for all sources.

    Args:
        pipeline (Sequence[dict]): That of a test, on video files.

    Attributes:
        options (dict): For :func:`find_sources`: how files are opened.

    Raises:
        ValueError: if it is another one.
    """

    def __init__(self, pipeline: Sequence[dict]) -> None:
        names = [step['type'] for step in pipeline]
        opening = [step for step in pipeline if step['type'] in VIDEO_INITS]
        if not opening or not set(VIDEO_DECODES) & set(names):
            raise ValueError(
                'the test pipeline must read video files with VideoInit and '
                f'VideoDecode, or with such transforms of MMAction2; got {names}'
            )
        self.options = {
            key: value
            for key, value in opening[0].items()
            if key in ('backend', 'num_threads', 'device')
        }
        left_out = (*VIDEO_INITS, 'LoadAttributes', 'KeepSegment')
        steps: list[dict[str, Any]] = [
            dict(type='VideoDecode') if step['type'] in VIDEO_DECODES else dict(step)
            for step in pipeline
            if step['type'] not in left_out
        ]
        steps[-1].pop('algorithm_keys', None)
        steps[-1].update(meta_keys=('filename', 'frame_inds', 'fps', 'clip_len'))
        self._steps = Compose(steps)

    def __call__(self, source: Source) -> dict[str, Any]:
        """Read a source: inputs and data sample.

        Raises:
            PipelineError: if it cannot be read; names it.
        """
        times = times_of(source)
        first, count = 0, len(times) - 1
        if source.segment:
            first, count = frames_between(source.segment, times)
        return self._steps(
            dict(
                filename=source.name,
                modality='RGB',
                label=-1,
                video_reader=images_of(source),
                avg_fps=frame_rate(source),
                start_index=first,
                total_frames=count,
            )
        )
