"""Frames of videos at regular times, read in parts by other processes."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from math import ceil
from typing import Any, NamedTuple, Optional

import numpy as np
from mmengine.dataset import Compose
from torch import Tensor

from ...datasets.pipeline_access import VIDEO_DECODES, VIDEO_INITS
from ...datasets.views import CROP_OF, CROPS
from ...errors import PipelineError, explain
from ...video import WorkerError, WorkerPool
from ..inference.frames import VideoFile

AT_ONCE = 64  # frames of a part: what a process reads within the time limit


def regular_moments(duration: float, fps: float) -> np.ndarray:
    """The middles of equal intervals of a video; the last may be shorter.

    Args:
        duration (float): In seconds.
        fps (float): Intervals a second.

    Returns:
        np.ndarray: Seconds [n], of one interval at least.
    """
    count = max(1, ceil(duration * fps - 1e-6))
    edges = np.append(np.arange(count) / fps, duration)
    return (edges[:-1] + edges[1:]) / 2


def interval_of(row: int, moment: float, fps: float) -> tuple[float, float]:
    """Begin and end of the interval of a row of :func:`regular_moments`."""
    begin = row / fps
    return begin, 2 * moment - begin


def regular_steps(pipeline: Sequence[dict]) -> list[dict]:
    """The transforms of a test pipeline that make images of decoded frames.

    One crop of each frame, whatever the test has.

    Raises:
        ValueError: if it does not read video files, or gives no clips.
    """
    names = [step['type'] for step in pipeline]
    if not set(VIDEO_DECODES) & set(names):
        raise ValueError(
            'the test pipeline must read video files with VideoInit and '
            f'VideoDecode, or with such transforms of MMAction2; got {names}'
        )
    left_out = (*VIDEO_INITS, 'LoadAttributes', 'KeepSegment')
    steps: list[dict[str, Any]] = []
    for step in pipeline:
        name = step['type']
        if name in left_out or name.endswith('SampleFrames'):
            continue
        changed = dict(step)
        if name in VIDEO_DECODES:
            changed = dict(type='VideoDecode')
        elif CROPS.get(name, 1) > 1:
            changed['type'] = CROP_OF[1]
        steps.append(changed)
    steps[-1] = dict(type='PackActionInputs', meta_keys=())
    return steps


class Part(NamedTuple):
    """Some frames of a video.

    Attributes:
        number (int): Of the video.
        first (int): Which of its moments they begin with.
        images (Tensor, optional): [1, 3, n, H, W]; None after an error.
        moments (np.ndarray, optional): All of the video, in seconds.
        damage (str): What of the file is missing; '' if nothing is.
        error (str): Why it cannot be read; '' if it can.
    """

    number: int
    first: int
    images: Optional[Tensor] = None
    moments: Optional[np.ndarray] = None
    damage: str = ''
    error: str = ''

    @property
    def frames(self) -> int:
        """n."""
        return 0 if self.images is None else int(self.images.shape[2])


class _ReadPart:
    """Reads a part; the file stays open for its next parts.

    Args:
        files (Sequence[str]): The videos.
        steps (list[dict]): See :func:`regular_steps`.
        fps (float): Frames a second.
        options (dict): How files are opened, see :class:`.VideoFile`.
    """

    def __init__(
        self, files: Sequence[str], steps: list[dict], fps: float, options: dict
    ) -> None:
        self._files, self._fps, self._options = files, fps, options
        self._steps = Compose(steps)
        self._open: Optional[VideoFile] = None

    def __call__(self, task: tuple[int, int]) -> Part:
        number, first = task
        path = self._files[number]
        if self._open is None or self._open.path != path:
            self._open = VideoFile(path, **self._options)
        file = self._open
        try:
            times = file.reader.times
            moments = regular_moments(float(times[-1]), self._fps)
            chosen = moments[first : first + AT_ONCE]
            shown = np.searchsorted(times[:-1], chosen + 1e-6, side='right') - 1
            packed = self._steps(
                dict(
                    filename=path,
                    modality='RGB',
                    label=-1,
                    video_reader=file,
                    frame_inds=shown.clip(0),
                    start_index=0,
                    total_frames=len(file),
                    clip_len=len(chosen),
                    num_clips=1,
                )
            )
        except PipelineError:
            raise
        except Exception as error:  # decoders have many
            raise PipelineError(explain(path, error)) from error
        return Part(number, first, packed['inputs'], moments, file.damage)


# long: tasks are added while others are done
def read_parts(
    files: Sequence[str],
    steps: list[dict],
    fps: float,
    options: dict,
    workers: int = 0,
    time_limit: Optional[float] = None,
) -> Generator[Part, None, None]:
    """Read videos part by part, those of a video in their order.

    Parts of several videos may come by turns. After one with an error no more
    of that video are to be expected, but may come.

    Args:
        files (Sequence[str]): The videos.
        steps (list[dict]): See :func:`regular_steps`.
        fps (float): Frames a second.
        options (dict): How files are opened, see :class:`.VideoFile`.
        workers (int): Processes that read, where a crash costs one video;
            with 0 this one reads. Defaults to 0.
        time_limit (float, optional): Seconds for a part. Defaults to None.
    """
    read = _ReadPart(files, steps, fps, options)
    left = deque((number, 0) for number in range(len(files)))
    given: deque[tuple[int, int]] = deque()

    def tasks() -> Iterator[tuple[int, int]]:
        while left:
            given.append(left.popleft())
            yield given[-1]

    with ExitStack() as stack:
        pool = None
        if workers:
            pool = WorkerPool(read, workers, time_limit)
            stack.enter_context(pool)
        while left:
            # A pool asks for tasks ahead: where it got all, it is asked again.
            for part, error in (
                map(_trying(read), tasks())
                if pool is None
                else pool.map(tasks(), lambda task: task[0])
            ):
                number, first = given.popleft()
                if error is not None:
                    yield Part(number, first, error=_reason(error, files[number]))
                    continue
                if not first:
                    rest = range(AT_ONCE, len(part.moments), AT_ONCE)
                    left.extendleft((number, start) for start in reversed(rest))
                yield part


def _reason(error: Exception, path: str) -> str:
    """Why a video cannot be read; what is no fault of a video is raised."""
    if isinstance(error, WorkerError):
        error = error.of_video(path)
    if not isinstance(error, PipelineError):
        raise error
    return str(error)


def _trying(read: _ReadPart) -> Any:
    def outcome(task: tuple[int, int]) -> tuple[Optional[Part], Optional[Exception]]:
        try:
            return read(task), None
        except PipelineError as error:
            return None, error

    return outcome
