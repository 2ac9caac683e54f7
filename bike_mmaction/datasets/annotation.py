"""Annotation files of the toolbox, and where the videos in them lie.

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
from math import ceil
from typing import NamedTuple, Optional

from tqdm import tqdm

from .official import Entry
from .segments import segment_frames

EXTENSIONS = ('.mp4', '.avi', '.mkv', '.webm', '.mov')


class UnusableEntry(ValueError):
    """What is on disk does not suffice for an entry; the message says why."""


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


class VideoFolder:
    """The video files below a folder.

    Args:
        root (str): The folder; it is searched once.
        shortest (float): Seconds that a segment must have. Defaults to 0.
    """

    def __init__(self, root: str, shortest: float = 0) -> None:
        self.root = root
        self.shortest = shortest
        self._by_stem: dict[str, list[str]] = {}
        self._by_end: dict[str, list[str]] = {}
        for path in self._search():
            stem = without_extension(path)
            self._by_stem.setdefault(stem, []).append(path)
            for end in _ends(stem):
                self._by_end.setdefault(end, []).append(path)

    def _search(self) -> Iterable[str]:
        for folder, files in _walk(self.root):
            for name in files:
                if is_named(name, EXTENSIONS):
                    yield osp.join(folder, name)

    def find(self, names: Iterable[str]) -> Optional[str]:
        """Find a video by its path.

        Args:
            names (Iterable[str]): What it may be called; the extension may
                be absent or another one, and leading folders may be more or
                fewer. Others are another video.

        Returns:
            str | None: Its path below the folder; None if it is not there.

        Raises:
            ValueError: if there are several.
        """
        for name in names:
            found = sorted(self._candidates(name))
            if len(found) > 1:
                raise ValueError(
                    f"'{name}' may be '{found[0]}' or '{found[1]}' in "
                    f"'{self.root}': remove or rename one"
                )
            if found:
                return found[0]
        return None

    def _candidates(self, name: str) -> Sequence[str]:
        """The paths that agree best with a name."""
        stem = without_extension(name)
        same = self._by_stem.get(stem, ())
        if name in same:
            return [name]
        deeper = self._by_end.get(stem, ())
        if not osp.dirname(stem):
            return deeper
        fewer = (self._by_stem.get(end, ()) for end in _ends(stem)[1:])
        return same or deeper or next(filter(None, fewer), ())

    def line(self, path: str, entry: Entry) -> str:
        """The line of an entry whose video was found.

        Raises:
            UnusableEntry: if the segment is too short.
        """
        start, end = entry.segment or (0, self.shortest)
        if round(end - start, 6) < self.shortest:
            raise UnusableEntry(f'shorter than {self.shortest:g} s')
        times = [f'{time:.2f}' for time in entry.segment or ()]
        return ' '.join([path, *times, *map(str, entry.labels)])


class FrameFolder(VideoFolder):
    """The folders of extracted frames below a folder.

    Args:
        root (str): The folder; it is searched once.
        templates (Sequence[str]): Names that frame number i may have, such as
            'img_{:05}.jpg', the expected one first; ``{video}`` stands for
            the name of the video's folder. The one that most folders have
            becomes ``template``; the others do not count.
        fps (float): Frames per second, for segments.
        shortest (float): Seconds that a segment must have. Defaults to 0.
    """

    def __init__(
        self, root: str, templates: Sequence[str], fps: float = 24, shortest: float = 0
    ) -> None:
        self.template = templates[0]
        self.templates = templates
        self.fps = fps
        # How many frames, the first and the last number, by folder.
        self._numbers: dict[str, tuple[int, int, int]] = {}
        super().__init__(root, shortest)

    def _search(self) -> Iterable[str]:
        found: dict[str, dict] = {template: {} for template in self.templates}
        for folder, files in _walk(self.root):
            for template in self.templates:
                numbers = frame_numbers(files, template, osp.basename(folder))
                if numbers and folder:
                    found[template][folder] = (len(numbers), min(numbers), max(numbers))
                    break
        # The first of those that are found equally often.
        self.template = max(found, key=lambda template: len(found[template]))
        self._numbers = found[self.template]
        return self._numbers

    def count(self, path: str) -> int:
        """Number of frames in a folder that was found.

        Raises:
            UnusableEntry: if their numbers are not 1, 2, 3 ...
        """
        count, first, last = self._numbers[path]
        if (first, last) != (1, count):
            raise UnusableEntry('frames not numbered 1, 2, 3 ...')
        return count

    def line(self, path: str, entry: Entry) -> str:
        """The line of an entry whose folder was found.

        Raises:
            UnusableEntry: if the segment has no frames, or too few.
        """
        total = self.count(path)
        numbers = [total]
        if entry.segment:
            numbers = segment_frames(entry.segment, self.fps, total)
            if not numbers[1]:
                raise UnusableEntry('begins behind the last frame')
            least = ceil(round(self.shortest * self.fps, 6))
            if numbers[1] < least:
                raise UnusableEntry(f'fewer than {least} frames')
        return ' '.join(map(str, [path, *numbers, *entry.labels]))


def _ends(path: str) -> list[str]:
    """``['a/b/c', 'b/c', 'c']`` of ``'a/b/c'``."""
    parts = path.split('/')
    return ['/'.join(parts[i:]) for i in range(len(parts))]


def is_named(name: str, extensions: Sequence[str]) -> bool:
    """Whether a file has one of these extensions.

    The ``._name`` files that macOS leaves beside others are none of them.
    """
    return name.lower().endswith(tuple(extensions)) and not name.startswith('._')


def without_extension(path: str) -> str:
    """A path without the extension of a video file, if it has one."""
    stem, extension = osp.splitext(path)
    return stem if extension.lower() in EXTENSIONS else path


def frame_numbers(files: Iterable[str], template: str, video: str) -> list[int]:
    """Numbers of the files that are frames.

    Args:
        files (Iterable[str]): File names.
        template (str): Name of frame number i.
        video (str): What ``{video}`` in it stands for.

    Raises:
        ValueError: if the template has no number such as ``{:05}``.
    """
    parts = re.fullmatch(r'(.*)\{:0(\d+)d?\}(.*)', template)
    if not parts:
        raise ValueError(
            f"frames '{template}': expected a name with a number "
            "such as 'img_{:05}.jpg'"
        )
    before, after = (re.escape(parts[i].replace('{video}', video)) for i in (1, 3))
    width = int(parts[2])
    pattern = re.compile(rf'{before}(\d{{{width}}}|[1-9]\d{{{width},}}){after}')
    return [int(m[1]) for m in map(pattern.fullmatch, files) if m]


def remark_on_frames(template: str, expected: str) -> str:
    """What to do where frames have other names than a config expects.

    Args:
        template (str): Name of frame number i.
        expected (str): The one of the config.

    Returns:
        str: A sentence; '' where they are the same.
    """
    if template == expected:
        return ''
    return (
        f"frames are called '{template}', but the configs expect "
        f"'{expected}': rename them, or give tools/train.py, "
        f'tools/test.py and tools/data/check_videos.py --frames '
        f"'{template}' (in place of --rawframes)"
    )


def make_list(entries: Iterable[Entry], folder: VideoFolder) -> AnnotationList:
    """Look the entries up on disk and make the lines of those found.

    Raises:
        ValueError: if a name stands for several files, entries with
            different labels for one, or a path that is needed has a space.
    """
    lines, missing, remarks, found = [], {}, Counter(), set()
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
            found.add(path)
        except UnusableEntry as error:
            remarks[f'left out, {error}'] += 1
    return AnnotationList(lines, list(missing), remarks, len(found))


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


def write_lines(path: str, lines: Iterable[str]) -> None:
    """Write a text file, all of it or nothing."""
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
    with open(f'{path}.tmp', 'w', encoding='utf-8') as file:
        file.writelines(f'{line}\n' for line in lines)
    os.replace(f'{path}.tmp', path)


def write_missing(path: str, missing: Sequence[str]) -> None:
    """Write ``..._missing.txt`` beside a list; remove it if it is empty."""
    path = f'{osp.splitext(path)[0]}_missing.txt'
    if missing:
        write_lines(path, missing)
    elif osp.exists(path):  # of an earlier run
        os.remove(path)


def _walk(root: str) -> Iterable[tuple[str, list[str]]]:
    """Path below ``root`` and files of each folder."""
    progress = tqdm(desc=root, unit=' folders', leave=False, disable=None)
    with progress:  # counting frames takes long
        for folder, _, files in os.walk(root, followlinks=True):
            progress.update()
            relative = osp.relpath(folder, root)
            yield '' if relative == '.' else relative, files
