"""What the official files list."""

import os.path as osp
from collections import Counter
from typing import NamedTuple, Optional


class Entry(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        names (tuple[str]): What its file may be called: path below the
            folder of videos, or name alone, with extension or without.
        labels (tuple[int]): Numbers of its classes.
        segment (tuple[float, float], optional): Begin and end in seconds.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    segment: Optional[tuple[float, float]] = None


class OfficialList(NamedTuple):
    """What an official file lists.

    Attributes:
        entries (list[Entry]): In the order of the file.
        remarks (dict[str, int]): What was left out or changed, how often.
    """

    entries: list[Entry]
    remarks: dict[str, int]


def subfolder(folder: str, name: str) -> str:
    """The folder that an archive unpacks to, if it is there."""
    inner = osp.join(folder, name)
    return inner if osp.isdir(inner) else folder


def add_segment(
    entries: list[Entry],
    remarks: Counter,
    names: tuple[str, ...],
    label: int,
    start: float,
    end: float,
) -> None:
    """Add a segment, in seconds; a remark in its place if it is empty."""
    segment = (round(start, 2), round(end, 2))
    if segment[0] < segment[1]:
        entries.append(Entry(names, (label,), segment))
    else:
        remarks['left out, empty or behind the end'] += 1
