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
from functools import lru_cache
from typing import NamedTuple, Optional

from ..files import without_video_extension, write_text
from ..renamed import old_names

HEADER = '__header__'
PHRASES = 'classname_topk'


def key_parts(path: str) -> tuple[str, ...]:
    """Folders and name of a video, without the extension of a video file."""
    path = without_video_extension(path)
    return tuple(p for p in path.replace('\\', '/').split('/') if p not in ('', '.'))


class _Entry(NamedTuple):
    key: str
    parts: tuple[str, ...]
    phrases: tuple[str, ...]


class AttributeFile:
    """Attributes by video.

    Args:
        path (str): The file.

    Attributes:
        header (dict): Provenance; empty in files of the authors.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not JSON, or has another layout; names the file
            and the video.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        content = _read_json(path)
        header = content.pop(HEADER, {})
        if not isinstance(header, dict):
            raise ValueError(
                f"attribute file '{path}': '{HEADER}' is a "
                f'{type(header).__name__}, expected an object'
            )
        self.header: dict = {k: v for k, v in header.items() if k != PHRASES}
        self._by_name: dict[str, list[_Entry]] = {}
        self._keys: list[str] = []
        same: dict[str, str] = {}  # one string a phrase saves memory
        for key, value in content.items():
            phrases = value.get(PHRASES) if isinstance(value, dict) else None
            if not isinstance(phrases, list) or not all(
                isinstance(p, str) and p.strip() for p in phrases
            ):
                raise ValueError(
                    f"attribute file '{path}': expected '{key}': "
                    f'{{"{PHRASES}": [phrases]}}, got {_shorten(value)}'
                )
            parts = key_parts(key)
            if not parts:
                raise ValueError(
                    f"attribute file '{path}': {key!r} is not the path of a video"
                )
            phrases = tuple(same.setdefault(p, p) for p in phrases)
            self._by_name.setdefault(parts[-1], []).append(_Entry(key, parts, phrases))
            self._keys.append(key)
        if not self._keys:
            raise ValueError(f"attribute file '{path}' lists no videos")

    def __len__(self) -> int:
        return len(self._keys)

    def check(self, topk: Optional[int], allow_empty: bool) -> None:
        """Whether every video has enough attributes.

        Args:
            topk (int, optional): How many are needed; None: one.
            allow_empty (bool): Whether a video may have none at all.

        Raises:
            ValueError: if one has fewer; names it.
        """
        for entries in self._by_name.values():
            for entry in entries:
                count = len(entry.phrases)
                if count >= (topk or 1) or (allow_empty and not count):
                    continue
                raise ValueError(
                    f"attribute file '{self.path}': '{entry.key}' has {count} "
                    f'attributes, expected at least {topk or 1} (topk={topk})'
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
        for entry in self._by_name.get(parts[-1], ()):
            common = min(len(parts), len(entry.parts))
            if parts[-common:] == entry.parts[-common:]:
                fitting.append((common, entry))
        if not fitting:
            return None
        longest = max(common for common, _ in fitting)
        best = [entry for common, entry in fitting if common == longest]
        # With and without extension is still one video.
        if len({(entry.parts, entry.phrases) for entry in best}) > 1:
            raise ValueError(
                f"attribute file '{self.path}': "
                f"'{best[0].key}' and '{best[1].key}' both fit '{path}'"
            )
        return best[0].phrases

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


def _read_json(path: str) -> dict:
    if not osp.isfile(path):
        raise FileNotFoundError(
            f"attribute file '{path}' does not exist; make one with "
            '`bike generate-attributes`'
        )
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file, object_hook=_without_scores)
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(f"attribute file '{path}' is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"attribute file '{path}': expected an object "
            f'{{"path/of/video": {{"{PHRASES}": [phrases]}}}}, got a '
            f'{type(content).__name__}'
        )
    return content


def _without_scores(value: dict) -> dict:
    """Most of a large file, and of no use here."""
    if PHRASES in value:
        value.pop('scores', None)
    return value


def _shorten(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f'{text[:77]}...'


__getattr__ = old_names(__name__)
