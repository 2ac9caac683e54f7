"""Videos and folders of frames on disk, and the lines of lists for them."""

import os.path as osp
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Optional

from tqdm import tqdm

from ..files import has_extension, without_video_extension
from ..terminal import printable
from .folder_walk import walk_folders
from .frame_names import frame_numbers
from .official import Entry
from .segments import segment_frames


class UnusableEntry(ValueError):
    """What is on disk does not suffice for an entry; the message says why."""


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
            stem = without_video_extension(path)
            self._by_stem.setdefault(stem, []).append(path)
            for end in _ends(stem):
                self._by_end.setdefault(end, []).append(path)

    def _search(self) -> Iterable[str]:
        for folder, files in _walk(self.root):
            for name in files:
                if has_extension(name):
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
            paths = sorted(self._candidates(name))
            if len(paths) > 1:
                raise ValueError(
                    f"'{name}' may be '{paths[0]}' or '{paths[1]}' in "
                    f"'{self.root}': remove or rename one"
                )
            if paths:
                return paths[0]
        return None

    def _candidates(self, name: str) -> Sequence[str]:
        """The paths that agree best with a name."""
        stem = without_video_extension(name)
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
        by_template: dict[str, dict] = {template: {} for template in self.templates}
        for folder, files in _walk(self.root):
            for template in self.templates:
                numbers = frame_numbers(files, template, osp.basename(folder))
                if numbers and folder:
                    by_template[template][folder] = (
                        len(numbers),
                        min(numbers),
                        max(numbers),
                    )
                    break
        # The first of those that equally many folders have.
        self.template = max(by_template, key=lambda name: len(by_template[name]))
        self._numbers = by_template[self.template]
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
        numbers: tuple[int, ...] = (total,)
        if entry.segment:
            offset, count = segment_frames(entry.segment, self.fps, total)
            if not count:
                raise UnusableEntry('begins behind the last frame')
            least = ceil(round(self.shortest * self.fps, 6))
            if count < least:
                raise UnusableEntry(f'fewer than {least} frames')
            numbers = (offset, count)
        return ' '.join(map(str, [path, *numbers, *entry.labels]))


def _ends(path: str) -> list[str]:
    """``['a/b/c', 'b/c', 'c']`` of ``'a/b/c'``."""
    parts = path.split('/')
    return ['/'.join(parts[i:]) for i in range(len(parts))]


def _walk(root: str) -> Iterable[tuple[str, list[str]]]:
    """Path below ``root`` and files of each folder."""
    progress = tqdm(desc=printable(root), unit=' folders', leave=False, disable=None)
    with progress:  # counting frames takes long
        for folder, files in walk_folders(root):
            progress.update()
            relative = osp.relpath(folder, root)
            yield '' if relative == '.' else relative, files
