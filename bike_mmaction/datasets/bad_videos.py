"""Which videos of a data set are bad, and how that is told."""

import os.path as osp
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..errors import TextError
from ..files import write_json
from ..text_files import read_json

MOST_NAMED = 10  # in a log; a file beside it names all
FILE_NAME = 'bad_videos.json'


@dataclass
class BadVideos:
    """Videos that cannot be read, and videos of which a part is missing.

    Attributes:
        unreadable (dict[str, str]): By file, an error that names it.
        damaged (dict[str, str]): By file, what of it is missing; the rest
            is used.
        lost (dict[str, str]): Those of ``unreadable`` that crashed their
            decoder or were late.
        replaced (int): Samples in whose place another one was taken.
    """

    unreadable: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    replaced: int = 0

    def __bool__(self) -> bool:
        return bool(self.unreadable or self.damaged)

    def add(self, others: 'BadVideos') -> 'BadVideos':
        """Add others; which of them are new."""
        new = BadVideos(
            {k: v for k, v in others.unreadable.items() if k not in self.unreadable},
            {k: v for k, v in others.damaged.items() if k not in self.damaged},
            {k: v for k, v in others.lost.items() if k not in self.lost},
            others.replaced,
        )
        self.unreadable.update(new.unreadable)
        self.damaged.update(new.damaged)
        self.lost.update(new.lost)
        self.replaced += others.replaced
        return new

    def as_json(self) -> dict[str, Any]:
        """What is written of them, in an order that no process decides."""
        return dict(
            unreadable=[self.unreadable[file] for file in sorted(self.unreadable)],
            damaged=as_list(self.damaged),
        )


def as_list(damaged: dict[str, str]) -> list[dict[str, str]]:
    """Damaged videos as JSON: each with its file, and what is missing."""
    return [dict(file=file, missing=damaged[file]) for file in sorted(damaged)]


def name_some(names: Collection[str], separator: str = '; ') -> str:
    """The first ten, and how many more there are."""
    some = list(names)[:MOST_NAMED]
    more = len(names) - len(some)
    return separator.join(some) + (f'{separator}and {more} more' if more else '')


def sentences_of(damaged: dict[str, str]) -> list[str]:
    """Each file with what of it is missing."""
    return [f"'{file}': {missing}" for file, missing in damaged.items()]


def write_bad_videos(folder: str, use: str, content: dict[str, Any]) -> str:
    """Write ``bad_videos.json``, beside what it says of other uses.

    Args:
        folder (str): Of the log.
        use (str): Such as 'training'.
        content (dict): What to say of it.

    Returns:
        str: The file.
    """
    path, whole = osp.join(folder, FILE_NAME), {}
    with suppress(OSError, TextError):  # absent, or changed by somebody
        before = read_json(path)
        whole = before if isinstance(before, dict) else {}
    write_json(path, dict(whole, **{use: content}))
    return path
