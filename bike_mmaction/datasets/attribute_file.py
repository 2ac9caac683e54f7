"""Attribute files: which phrases belong to which video.

The layout is that of the authors' files, JSON::

    {"abseiling/x.mp4": {"classname_topk": ["rock climbing", ...]}, ...}

Files made here also have ``"scores"`` beside ``"classname_topk"``, and
provenance under the key ``"__header__"``, which carries an empty
``"classname_topk"`` too, so that readers of the plain layout pass over it.
"""

import json
import os
import os.path as osp
from array import array
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Optional
from zlib import crc32

import numpy as np

from ..files import without_video_extension, write_text
from ..renamed import old_names
from .json_members import NoObjectError, read_members

HEADER = '__header__'
PHRASES = 'classname_topk'


def key_parts(path: str) -> tuple[str, ...]:
    """Folders and name of a video, without the extension of a video file."""
    path = without_video_extension(path)
    return tuple(p for p in path.replace('\\', '/').split('/') if p not in ('', '.'))


class AttributeFile:
    """Attributes by video.

    Of a million videos it holds about 200 MB: the paths, and numbers for
    whatever else there is.

    Args:
        path (str): The file.

    Attributes:
        header (dict): Provenance; empty in files of the authors.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not JSON, or has another layout; names the file,
            the line and the video.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.header: dict = {}
        self._keys: list[str] = []
        self._lines = array('L')  # of the keys
        self._vocabulary: dict[str, int] = {}  # phrases by their numbers
        self._phrases, self._ends = array('L'), array('L')  # of all videos
        names = array('L')  # of the videos, as checksums
        for line, key, value in _members(path):
            if key == HEADER:
                self._read_header(line, value)
                continue
            names.append(crc32(self._read_entry(line, key, value).encode()))
        if not self._keys:
            raise ValueError(f"attribute file '{path}' lists no videos")
        checksums = np.array(names, np.uint32)
        self._order = np.argsort(checksums, kind='stable').astype(np.uint32)
        self._checksums = checksums[self._order]
        self._refuse_repeated()
        self._phrase_of = list(self._vocabulary)

    def _read_header(self, line: int, header: Any) -> None:
        if not isinstance(header, dict) or self.header:
            problem = 'is there again' if self.header else f'is a {_type(header)}'
            raise ValueError(
                f"attribute file '{self.path}' line {line}: '{HEADER}' {problem}, "
                'expected an object'
            )
        self.header = {k: v for k, v in header.items() if k != PHRASES}

    def _read_entry(self, line: int, key: str, value: Any) -> str:
        """Keep a video; its name."""
        phrases = value.get(PHRASES) if isinstance(value, dict) else None
        if not isinstance(phrases, list) or not all(
            isinstance(p, str) and p.strip() for p in phrases
        ):
            raise ValueError(
                f"attribute file '{self.path}' line {line}: expected '{key}': "
                f'{{"{PHRASES}": [phrases]}}, got {_shorten(value)}'
            )
        parts = key_parts(key)
        if not parts:
            raise ValueError(
                f"attribute file '{self.path}' line {line}: {key!r} is not the path "
                'of a video'
            )
        known = self._vocabulary
        self._phrases.extend([known.setdefault(p, len(known)) for p in phrases])
        self._ends.append(len(self._phrases))
        self._keys.append(key)
        self._lines.append(line)
        return parts[-1]

    def _refuse_repeated(self) -> None:
        """Two values for a key: nobody can tell which counts."""
        same = np.flatnonzero(self._checksums[1:] == self._checksums[:-1])
        first: dict[str, int] = {}
        for i in sorted({*self._order[same].tolist(), *self._order[same + 1].tolist()}):
            key = self._keys[i]
            other = first.setdefault(key, i)
            if other != i:
                raise ValueError(
                    f"attribute file '{self.path}' line {self._lines[i]}: '{key}' is "
                    f'there again, as in line {self._lines[other]}'
                )

    def __len__(self) -> int:
        return len(self._keys)

    def _attributes(self, number: int) -> tuple[str, ...]:
        begin = self._ends[number - 1] if number else 0
        numbers = self._phrases[begin : self._ends[number]]
        return tuple(self._phrase_of[i] for i in numbers)

    def check(self, topk: Optional[int], allow_empty: bool) -> None:
        """Whether every video has enough attributes.

        Args:
            topk (int, optional): How many are needed; None: one.
            allow_empty (bool): Whether a video may have none at all.

        Raises:
            ValueError: if one has fewer; names it.
        """
        counts = np.diff(np.array(self._ends, np.int64), prepend=0)
        few = counts < (topk or 1)
        if allow_empty:
            few &= counts > 0
        for number in np.flatnonzero(few)[:1].tolist():
            raise ValueError(
                f"attribute file '{self.path}' line {self._lines[number]}: "
                f"'{self._keys[number]}' has {counts[number]} attributes, expected "
                f'at least {topk or 1} (topk={topk})'
            )

    def find(self, path: str) -> Optional[tuple[str, ...]]:
        """Attributes of a video.

        Keys may have more or fewer leading folders than ``path``, and an
        extension or none: one must be the end of the other, folder by folder.
        Of several such keys the longest counts.

        Args:
            path (str): The video file, or the folder of its frames.

        Returns:
            tuple[str], optional: The phrases, the nearest first; None if the
            file does not know the video.

        Raises:
            ValueError: if several keys fit equally well.
        """
        parts = key_parts(path)
        if not parts:
            return None
        fitting = []
        for number in self._named(parts[-1]):
            others = key_parts(self._keys[number])
            common = min(len(parts), len(others))
            if parts[-common:] == others[-common:]:
                fitting.append((common, number, others))
        if not fitting:
            return None
        longest = max(common for common, *_ in fitting)
        best = {
            (others, self._attributes(number)): number
            for common, number, others in fitting
            if common == longest
        }
        # With and without extension is still one video.
        if len(best) > 1:
            one, other = (self._keys[number] for number in [*best.values()][:2])
            raise ValueError(
                f"attribute file '{self.path}': '{one}' and '{other}' both fit '{path}'"
            )
        ((_, phrases),) = best
        return phrases

    def _named(self, name: str) -> list[int]:
        """Numbers of the videos that may have this name."""
        checksum = np.uint32(crc32(name.encode()))
        begin = np.searchsorted(self._checksums, checksum, 'left')
        end = np.searchsorted(self._checksums, checksum, 'right')
        return self._order[begin:end].tolist()

    def examples(self) -> str:
        """A few keys, for messages."""
        shown = ', '.join(repr(key) for key in self._keys[:2])
        return f'{len(self)} videos, such as {shown}'


def load_attribute_file(path: str) -> AttributeFile:
    """An attribute file; the same object while the file does not change.

    Raises:
        FileNotFoundError, ValueError: as :class:`AttributeFile`.
    """
    changed = os.stat(path).st_mtime_ns if osp.isfile(path) else 0
    return _load_attribute_file(osp.abspath(path), path, changed)


@lru_cache(maxsize=4)  # splits share files, and an API loads for each video
def _load_attribute_file(_: str, path: str, changed: int) -> AttributeFile:
    return AttributeFile(path)


def write_attribute_file(path: str, header: dict, videos: dict[str, dict]) -> None:
    """Write an attribute file in one step, never half of it.

    Args:
        path (str): The file.
        header (dict): Provenance.
        videos (dict[str, dict]): By relative path: phrases (``PHRASES``) and
            ``'scores'``.
    """
    content = {HEADER: {PHRASES: [], **header}, **videos}
    lines = [f'{json.dumps(k)}: {json.dumps(v)}' for k, v in content.items()]
    write_text(path, '{\n' + ',\n'.join(lines) + '\n}\n')  # a video a line


def _members(path: str) -> Iterator[tuple[int, str, Any]]:
    """Line, path and value of each video, and of the header."""
    if not osp.isfile(path):
        problem = 'is a folder' if osp.isdir(path) else 'does not exist'
        raise FileNotFoundError(
            f"attribute file '{path}' {problem}; make one with "
            '`bike generate-attributes`'
        )
    try:
        yield from read_members(path, _without_scores)
    except NoObjectError as error:
        raise ValueError(
            f"attribute file '{path}': expected an object "
            f'{{"path/of/video": {{"{PHRASES}": [phrases]}}}}, got a {error}'
        ) from None


def _without_scores(value: dict) -> dict:
    """Most of a large file, and of no use here."""
    if PHRASES in value:
        value.pop('scores', None)
    return value


def _type(value: Any) -> str:
    return type(value).__name__


def _shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f'{text[:77]}...'


__getattr__ = old_names(__name__)
