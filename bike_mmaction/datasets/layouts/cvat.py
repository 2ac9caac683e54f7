"""CVAT's exports "CVAT for video 1.1" and "CVAT for images 1.1" of videos.

Tracks: a ``<box>`` or another shape in a ``<track label="run">`` tells the
frame from which the object is there, with ``outside="1"`` that from which it
is not. Images: ``<image name="frame_000012">`` with a ``<tag label="run">``
in each frame that has it. Frames count from 0, those of the file.
"""

import os.path as osp
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import IO, Optional
from xml.etree import ElementTree

from ...errors import TextError
from .clips import Clip, FrameRange, Reading, ReadingOptions
from .paths import NamedVideos, choose_root

KIND = 'export of CVAT'
INSIDE = 'annotations.xml'  # of a zip
SHAPES = tuple('box polygon polyline points cuboid skeleton mask ellipse tag'.split())
Element = ElementTree.Element
Range = tuple[int, int]


def read_cvat(path: str, options: ReadingOptions) -> Reading:
    """Read an export: the XML, or the zip that CVAT gives.

    Raises:
        TextError: if it is no such export; names what is wrong.
    """
    root = _parse(path)
    if root.tag != 'annotations' or root.find('meta') is None:
        raise TextError(
            f"'{path}' is no export of CVAT: expected <annotations> with <meta> in it "
            '(export as "CVAT for video 1.1")'
        )
    reading = Reading(KIND, choose_root([], path, options.root))
    try:
        tasks = list(_tasks_of(root))
        ranges = _ranges_by_task(root, tasks)
    except ValueError as error:  # of a number
        raise TextError(f"'{path}' is not as CVAT writes it: {error}") from error
    videos = NamedVideos(reading)
    for task in tasks:
        _read_task(reading, videos, task, ranges, f"'{path}'")
    known = {task.number for task in tasks}
    for number in sorted({number for number, _ in ranges} - known):
        place = f"'{path}' task {number or '?'}"
        reading.leave_out('without video', place, 'it has labels, and no <task>')
    reading.classes = [
        name.text.strip()
        for name in root.findall('.//meta//labels/label/name')
        if name.text
    ] or sorted({label for _, label in ranges})
    return reading


def _parse(path: str) -> Element:
    try:
        if path.lower().endswith('.zip'):
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if osp.basename(n) == INSIDE]
                if len(names) != 1:
                    raise TextError(
                        f"'{path}' has {len(names)} files {INSIDE}, expected one: an "
                        'export of CVAT'
                    )
                with archive.open(names[0]) as file:
                    return _parse_file(file)
        with open(path, 'rb') as file:
            return _parse_file(file)
    except (ElementTree.ParseError, zipfile.BadZipFile) as error:
        raise TextError(f"'{path}' cannot be read: {error}") from error


def _parse_file(file: IO[bytes]) -> Element:
    return ElementTree.parse(file).getroot()


class _Task:
    """A task of CVAT: the frames of one video.

    Args:
        element (Element): With its ``<id>``, ``<source>`` and others.
    """

    def __init__(self, element: Element) -> None:
        self.number = element.findtext('id') or ''
        self.name = element.findtext('name') or ''
        self.source = element.findtext('source') or self.name
        self.start = int(element.findtext('start_frame') or 0)
        step = re.search(r'step=(\d+)', element.findtext('frame_filter') or '')
        self.step = max(1, int(step[1])) if step else 1


def _tasks_of(root: Element) -> Iterator[_Task]:
    elements = root.findall('./meta/task') or root.findall('.//meta//tasks/task')
    elements = elements or root.findall('./meta/job') or root.findall('./meta')
    for element in elements:
        yield _Task(element)


def _ranges_by_task(
    root: Element, tasks: list[_Task]
) -> dict[tuple[str, str], list[Range]]:
    """Ranges of frames by number of the task, and label."""
    by_number = {task.number: task for task in tasks}

    def task_of(element: Element) -> _Task:
        number = element.get('task_id', '')
        return tasks[0] if len(tasks) == 1 else by_number.get(number, _unknown(number))

    ranges: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for track in root.iter('track'):
        task = task_of(track)
        key = task.number, track.get('label', '')
        ranges[key] += _ranges_of_track(track, task.step)
    tagged: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for image in root.iter('image'):
        task = task_of(image)
        first = _frame_of(image, task)
        for label in {s.get('label', '') for s in image if s.tag in SHAPES}:
            tagged[task.number, label].append((first, first + task.step - 1))
    for key, frames in tagged.items():
        ranges[key] += union(frames, gap=1)
    return {key: union(of_label) for key, of_label in ranges.items() if of_label}


def _unknown(number: str) -> _Task:
    """One that is named, and nothing is told of."""
    task = _Task(ElementTree.Element('task'))
    task.number = number
    return task


def _ranges_of_track(track: Element, step: int) -> Iterator[Range]:
    """Ranges of frames in which an object is there, both ends included."""
    first: Optional[int] = None
    last = 0
    shapes = [shape for shape in track if shape.get('frame') is not None]
    for shape in sorted(shapes, key=lambda one: int(one.get('frame', 0))):
        frame = int(shape.get('frame', 0))
        if shape.get('outside') != '1':
            first, last = frame if first is None else first, frame
        elif first is not None:
            yield first, max(frame - 1, first)
            first = None
    if first is not None:
        yield first, last + step - 1


def _frame_of(image: Element, task: _Task) -> int:
    """Its number in the file: the name tells it, ``id`` counts in the task."""
    named = re.search(r'frame_(\d+)', image.get('name', ''))
    if named:
        return int(named[1])
    return int(image.get('id', 0)) * task.step + task.start


def union(ranges: Iterable[Range], gap: int = 0) -> list[Range]:
    """Ranges that overlap become one; with a ``gap`` of 1 also those that touch.

    Tracks that follow each other are two events, frames with a tag are one.
    """
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + gap:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _read_task(
    reading: Reading,
    videos: NamedVideos,
    task: _Task,
    ranges: dict[tuple[str, str], list[Range]],
    place: str,
) -> None:
    place = f'{place} task {task.number or task.name or "?"}'
    own = {label: r for (number, label), r in ranges.items() if number == task.number}
    if not task.source:
        reading.leave_out('without video', place, 'no <source> names its file')
    elif not own:
        reading.leave_out('without label', task.source, place)
    else:
        path = videos.find(task.source, place)
        for label, parts in own.items() if path else ():
            for part in parts:
                frames = FrameRange(*part)
                clip = Clip(path, (label,), place=place, frames=frames)
                reading.clips.append(clip)
