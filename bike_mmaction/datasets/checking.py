"""Checking that the videos of a data set can be read, before training."""

import os.path as osp
import warnings
from collections.abc import Sequence
from typing import NamedTuple, Optional

from mmengine.dataset import BaseDataset
from tqdm import tqdm

from ..errors import explain
from ..files import source_of
from ..shards import exists
from ..video import (
    TIME_LIMIT,
    DamagedVideoWarning,
    VideoError,
    VideoReader,
    WorkerError,
    WorkerPool,
)
from .check_record import CheckRecord, Stamp, stamp_of
from .segments import KeepSegment

PROBLEMS = ('missing', 'unreadable', 'damaged', 'too short')
_AHEAD = 8  # entries per worker, so that none waits for a slow one's turn


class Verdict(NamedTuple):
    """What is known of an entry.

    Attributes:
        usable (bool): Whether it can be trained or tested on.
        problem (str): One of ``PROBLEMS``, or ''.
        reason (str): What is wrong, in words.
        frames (int, optional): Number of its frames, if known.
    """

    usable: bool
    problem: str = ''
    reason: str = ''
    frames: Optional[int] = None


def check_entry(info: dict, full: bool = False) -> Verdict:
    """Look at a video, a segment of one, or a folder of frames.

    Args:
        info (dict): What the data set knows of it.
        full (bool): Whether to decode every frame, instead of the first, the
            middle and the last one. Defaults to False.
    """
    source = source_of(info)
    if not exists(source):
        return Verdict(False, 'missing', 'no such file or folder')
    try:
        read = _read_video if 'filename' in info else _read_frames
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DamagedVideoWarning)  # the verdict tells
            frames, damage = read(info, full)
        return Verdict(True, 'damaged' if damage else '', damage, frames)
    except Exception as error:  # images and videos have many
        if isinstance(error, VideoError):
            return Verdict(False, 'unreadable', error.reason)
        reason = explain(source, error).replace(f"cannot use '{source}': ", '')
        return Verdict(False, 'unreadable', reason)


def _read_video(info: dict, full: bool) -> tuple[int, str]:
    with VideoReader(info['filename']) as reader:
        part = dict(info, video_reader=reader, total_frames=len(reader), start_index=0)
        part = KeepSegment()(part)
        start, total = part['start_index'], part['total_frames']
        for _ in reader.iterate([start + i for i in _chosen(total, full)]):
            pass
        return total, str(reader.damage) if reader.damage else ''


def _read_frames(info: dict, full: bool) -> tuple[int, str]:
    import cv2

    start = info.get('start_index', 1) + info.get('offset', 0)
    for index in _chosen(info['total_frames'], full):
        name = info['filename_tmpl'].format(start + index)
        path = osp.join(info['frame_dir'], name)
        if not osp.exists(path):
            raise FileNotFoundError(f"there is no '{name}'")
        if cv2.imread(path) is None:
            raise ValueError(f"'{name}' is no image")
    return info['total_frames'], ''


def _chosen(total: int, full: bool) -> Sequence[int]:
    """Numbers of the frames to read."""
    if total < 1:
        raise ValueError(f'{total} frames')
    return range(total) if full else sorted({0, total // 2, total - 1})


def check_all(
    infos: Sequence[dict],
    full: bool = False,
    workers: int = 2,
    time_limit: Optional[float] = TIME_LIMIT,
    record: Optional[CheckRecord] = None,
) -> list[Verdict]:
    """Check entries in parallel.

    An entry that ends the process that reads it is unreadable, too.

    Args:
        infos (Sequence[dict]): What the data set knows of each entry.
        full (bool): See :func:`check_entry`. Defaults to False.
        workers (int): Number of processes. Defaults to 2.
        time_limit (float, optional): Seconds for an entry; None is without
            limit. Defaults to 60.
        record (CheckRecord, optional): What is known already, and where
            verdicts are kept. Defaults to None: nowhere.

    Returns:
        list[Verdict]: In the order of the entries.
    """
    known = {} if record is None else record.verdicts()
    verdicts = {number: Verdict(*verdict) for number, verdict in known.items()}
    left = [number for number in range(len(infos)) if number not in verdicts]
    progress = tqdm(
        total=len(infos), initial=len(verdicts), desc='checking', disable=None
    )
    pool = WorkerPool(_CheckNumber(infos, full), workers, time_limit, _AHEAD)
    with progress, pool:
        for number, (value, error) in zip(left, pool.map(left)):
            if isinstance(error, WorkerError):
                verdict = Verdict(False, 'unreadable', str(error))
                value = verdict, stamp_of(infos[number])
            elif error is not None:
                raise error
            verdicts[number] = value[0]
            if record is not None:
                record.add(number, *value)
            progress.update()
    return [verdicts[number] for number in range(len(infos))]


class _CheckNumber:
    """Checks the entry of a number; verdict, and which state of the file it is of."""

    def __init__(self, infos: Sequence[dict], full: bool) -> None:
        self._infos, self._full = infos, full

    def __call__(self, number: int) -> tuple[Verdict, Stamp]:
        info = self._infos[number]
        stamp = stamp_of(info)
        return check_entry(info, self._full), stamp


def sampled_frames(pipeline: Sequence[dict]) -> int:
    """Frames per clip that a pipeline samples; 1 if it samples none."""
    for transform in pipeline:
        inner = transform.get('transforms') or ()
        length = transform.get('clip_len') or sampled_frames(inner)
        if length > 1:
            return length
    return 1


def judge_lengths(
    verdicts: Sequence[Verdict], clip_len: int, min_frames: Optional[int]
) -> list[Verdict]:
    """Mark what is too short.

    Args:
        verdicts (Sequence[Verdict]): Those of :func:`check_all`.
        clip_len (int): Frames that are sampled of each video. Where there
            are fewer, some are repeated: too short, but usable.
        min_frames (int, optional): Fewer than these are not usable.

    Returns:
        list[Verdict]: The same, or with the problem 'too short'; what is missing
        of one that is damaged, too, stays in its reason.
    """
    limit = clip_len if min_frames is None else min_frames
    return [
        verdict._replace(
            problem='too short',
            reason=f'{verdict.frames} frames, fewer than {limit}'
            + (f'; {verdict.reason}' if verdict.reason else ''),
            usable=min_frames is None,
        )
        if verdict.usable and (verdict.frames or 0) < limit
        else verdict
        for verdict in verdicts
    ]


def usable_list(ann_file: str, out: Optional[str] = None) -> str:
    """Where the usable lines of a list are written, unless ``out`` says."""
    return out or f'{osp.splitext(ann_file)[0]}_usable.txt'


class Infos(Sequence):
    """What a data set knows of its entries, each told when it is asked for.

    Args:
        dataset (BaseDataset): It holds them packed.
        num_lines (int): Lines of its annotation file.

    Raises:
        ValueError: if it has not one entry a line.
    """

    def __init__(self, dataset: BaseDataset, num_lines: int) -> None:
        if len(dataset) != num_lines:
            raise ValueError(
                f"'{dataset.ann_file}' has {num_lines} lines, but "
                f'{type(dataset).__name__} {len(dataset)} entries: '
                'usable lines cannot be told'
            )
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, number):
        if not 0 <= number < len(self):  # as iterating needs it
            raise IndexError(number)
        return self._dataset.get_data_info(number)
