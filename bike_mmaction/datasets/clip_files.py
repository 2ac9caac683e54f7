"""Looking at the files of clips, in processes of their own."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
from tqdm import tqdm

from ..files import file_sha256
from ..terminal import printable
from ..video import TIME_LIMIT, VideoReader, WorkerError, WorkerPool
from .checking import Verdict, check_entry
from .layouts import Clip, FrameRange
from .segments import frames_between
from .transforms.reading import without_damage_warnings

_AHEAD = 8  # files per worker, so that none waits for a slow one's turn
_SHOWN = 0.5  # seconds: what is cut off an end beyond this is told


class Span(NamedTuple):
    """A clip in its file.

    Attributes:
        start (float, optional): In seconds; None: the whole file.
        end (float, optional): In seconds.
        frames (int): Their number.
        problem (str): Why it cannot be used, or ''.
        remark (str): What was changed, or ''.
    """

    start: Optional[float] = None
    end: Optional[float] = None
    frames: int = 0
    problem: str = ''
    remark: str = ''


class FileFacts(NamedTuple):
    """What is known of a file.

    Attributes:
        verdict (Verdict): Whether it can be used.
        duration (float): In seconds.
        spans (tuple[Span, ...]): Of its clips, in their order.
    """

    verdict: Verdict
    duration: float = 0.0
    spans: tuple[Span, ...] = ()


class FileTask(NamedTuple):
    """A file and its clips.

    Attributes:
        path (str): The file.
        clips (tuple[Clip, ...]): What is wanted of it.
    """

    path: str
    clips: tuple[Clip, ...]


def by_file(clips: Sequence[Clip]) -> list[FileTask]:
    """The files of some clips, each once."""
    tasks: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        tasks[clip.path].append(clip)
    return [FileTask(path, tuple(own)) for path, own in tasks.items()]


def look_at_files(
    tasks: Sequence[FileTask],
    full: bool = False,
    workers: int = 2,
    time_limit: Optional[float] = TIME_LIMIT,
) -> dict[str, FileFacts]:
    """Check files in parallel.

    Args:
        tasks (Sequence[FileTask]): See :func:`by_file`.
        full (bool): Whether every frame is decoded, or three alone. Defaults
            to False.
        workers (int): Number of processes. Defaults to 2.
        time_limit (float, optional): Seconds for a file; None is without
            limit. Defaults to 60.

    Returns:
        dict[str, FileFacts]: By path.
    """
    look = partial(_look_at_number, tasks, full)
    facts = {}
    outcomes = _in_parallel(look, len(tasks), workers, time_limit, 'checking')
    for task, (value, error) in zip(tasks, outcomes):
        facts[task.path] = value or FileFacts(Verdict(False, 'unreadable', str(error)))
    return facts


def _look_at_number(tasks: Sequence[FileTask], full: bool, number: int) -> FileFacts:
    return look_at(tasks[number], full)


def look_at(task: FileTask, full: bool) -> FileFacts:
    """What is known of a file."""
    verdict = check_entry(dict(filename=task.path), full)
    if not verdict.usable:
        return FileFacts(verdict)
    with without_damage_warnings(), VideoReader(task.path) as reader:
        times = np.array(reader.times)
    spans = tuple(span_of(clip, times) for clip in task.clips)
    return FileFacts(verdict, float(times[-1]), spans)


def span_of(clip: Clip, times: np.ndarray) -> Span:
    """Where a clip lies in its file.

    Args:
        clip (Clip): In seconds or frames.
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1].
    """
    duration = float(times[-1])
    if clip.frames is not None:
        start, end = seconds_of(clip.frames, times)
        if start >= end:
            whole = f'the file has {len(times) - 1} frames'
            return Span(
                problem=f'it begins with frame {clip.frames.first}, and {whole}'
            )
    elif clip.start is None:
        return Span(frames=len(times) - 1)
    else:
        start, end = clip.start, duration if clip.end is None else clip.end
    _, count = frames_between((start, end), times)
    if start >= duration or not count:
        place = f'it is from {start:g} to {end:g} s'
        return Span(problem=f'{place}, and the file has {duration:.2f} s')
    cut = f'until {end:g} s, but the file has {duration:.2f} s'
    remark = cut if end > duration + _SHOWN else ''
    # seconds with six digits find the same frames again, see `segments`
    return Span(round(start, 6), round(min(end, duration), 6), count, '', remark)


def seconds_of(frames: FrameRange, times: np.ndarray) -> tuple[float, float]:
    """Begin and end of a range of frames; the same twice if it is behind the end."""
    total = len(times) - 1
    if frames.rate is not None:
        end = float(times[-1])
        if frames.last is not None:
            end = min(end, (frames.last + 1) / frames.rate)
        return max(frames.first, 0) / frames.rate, end
    last = total - 1 if frames.last is None else min(frames.last, total - 1)
    if max(frames.first, 0) > last:
        return 0.0, 0.0
    return max(float(times[max(frames.first, 0)]), 0.0), float(times[last + 1])


def digests_of(paths: Iterable[str], workers: int = 2) -> dict[str, str]:
    """SHA-256 of files that are as long as another one; others differ anyway."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_size[os.path.getsize(path)].append(path)
    alike = [path for same in by_size.values() if len(same) > 1 for path in same]
    digest = partial(_digest_of_number, alike)
    outcomes = _in_parallel(digest, len(alike), workers, None, 'comparing')
    return {path: value for path, (value, _) in zip(alike, outcomes) if value}


def _digest_of_number(paths: Sequence[str], number: int) -> str:
    return file_sha256(paths[number])


def frames_of(
    wanted: Sequence[tuple[str, float]],
    workers: int = 2,
    time_limit: Optional[float] = TIME_LIMIT,
) -> list[Optional[np.ndarray]]:
    """The frame of each file at a moment: [H, W, 3], RGB; None if it fails."""
    frame = partial(_frame_of_number, wanted)
    outcomes = _in_parallel(frame, len(wanted), workers, time_limit, 'drawing')
    return [value for value, _ in outcomes]


def _frame_of_number(wanted: Sequence[tuple[str, float]], number: int) -> np.ndarray:
    path, moment = wanted[number]
    with without_damage_warnings(), VideoReader(path) as reader:
        return reader.at([moment])[0]


def _in_parallel(
    work: Callable[[int], Any],
    count: int,
    workers: int,
    time_limit: Optional[float],
    title: str,
) -> list[tuple[Any, Optional[Exception]]]:
    """What came of each number; a process that is lost costs its number alone."""
    outcomes: list[tuple[Any, Optional[Exception]]] = []
    progress = tqdm(total=count, desc=printable(title), disable=None)
    with progress, WorkerPool(work, workers, time_limit, _AHEAD) as pool:
        for value, error in pool.map(range(count)):
            if error is not None and not isinstance(error, (WorkerError, OSError)):
                raise error
            outcomes.append((value, error))
            progress.update()
    return outcomes
