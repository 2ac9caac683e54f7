"""MMAction2's annotation files: the lines of the videos that are on disk.

A line is ``path label...`` for video files, ``path start end label`` for
their segments (in seconds), ``folder total_frames label...`` for extracted
frames and ``folder offset total_frames label`` for segments of these. A video
to test may be without label where there may be several: it shows nothing.
"""

import os
import os.path as osp
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..files import write_lines
from ..renamed import old_names
from .official import Entry
from .video_folders import UnusableEntry, VideoFolder

__getattr__ = old_names(__name__)


class AnnotationList(NamedTuple):
    """What an annotation file is made of.

    Attributes:
        lines (list[str]): Its lines.
        missing (list[str]): Names of the videos that are not on disk.
        remarks (dict[str, int]): Why other entries are left out, how often.
        videos (int): Number of the videos in the lines.
    """

    lines: list[str]
    missing: list[str]
    remarks: dict[str, int]
    videos: int


def make_list(entries: Iterable[Entry], folder: VideoFolder) -> AnnotationList:
    """Look the entries up on disk and make the lines of those that are there.

    Raises:
        ValueError: if a name stands for several files, entries with
            different labels for one, or a path that is needed has a space.
    """
    lines: list[str] = []
    missing: dict[str, None] = {}  # each once, in their order
    remarks: Counter[str] = Counter()
    videos: set[str] = set()
    listed: dict[tuple, Entry] = {}
    for entry in entries:
        path = folder.find(entry.names)
        if path is None:
            missing[entry.names[0]] = None
            continue
        if re.search(r'\s', path):
            raise ValueError(
                f"'{path}' in '{folder.root}': lists separate by spaces, so "
                'that a path can have none; rename it, such as with _'
            )
        # Segments may have several labels; a whole video is listed once.
        key = (path, entry.segment, entry.labels if entry.segment else None)
        other = listed.get(key)
        if other:
            _check_same_labels(other, entry, osp.join(folder.root, path))
            remarks['left out, listed before'] += 1
            continue
        listed[key] = entry
        try:
            lines.append(folder.line(path, entry))
            videos.add(path)
        except UnusableEntry as error:
            remarks[f'left out, {error}'] += 1
    return AnnotationList(lines, list(missing), remarks, len(videos))


def _check_same_labels(first: Entry, second: Entry, path: str) -> None:
    if first.labels != second.labels:
        one, two = (
            f"'{entry.names[0]}' with label {' '.join(map(str, entry.labels))}"
            for entry in (first, second)
        )
        raise ValueError(
            f"{one} and {two} are both '{path}': a label is "
            'wrong, or the file of one is not there'
        )


def write_missing(path: str, missing: Sequence[str]) -> None:
    """Write ``..._missing.txt`` beside a list; remove it if it is empty."""
    path = f'{osp.splitext(path)[0]}_missing.txt'
    if missing:
        write_lines(path, missing)
    elif osp.exists(path):  # of an earlier run
        os.remove(path)
