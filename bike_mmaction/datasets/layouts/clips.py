"""What is known of a clip, wherever it was read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from ...errors import did_you_mean

PARTS = ('train', 'val', 'test')
# What people call them.
_PART_NAMES = dict(
    train='train',
    training='train',
    trainset='train',
    val='val',
    valid='val',
    validation='val',
    validate='val',
    dev='val',
    test='test',
    testing='test',
    testset='test',
)


class FrameRange(NamedTuple):
    """A range that a labelling tool counts in frames.

    Attributes:
        first (int): From 0.
        last (int, optional): It belongs to the range; None: the last of all.
        rate (float, optional): Frames a second by which the tool counts.
            Defaults to None: they are the frames of the file.
    """

    first: int
    last: Optional[int]
    rate: Optional[float] = None


class Clip(NamedTuple):
    """A video, or a part of one, with what it shows.

    Attributes:
        path (str): The file.
        labels (tuple[str, ...]): Names as they are written there.
        start (float, optional): In seconds; None, as ``end``: the whole file.
        end (float, optional): In seconds; None: to the end of the file.
        group (str): What it must not be parted from, such as the name of a
            recording. Defaults to '': it stands for itself.
        part (str): One of ``PARTS``, if it is given. Defaults to ''.
        place (str): Where it is said, for messages.
        frames (FrameRange, optional): In place of ``start`` and ``end``.
    """

    path: str
    labels: tuple[str, ...]
    start: Optional[float] = None
    end: Optional[float] = None
    group: str = ''
    part: str = ''
    place: str = ''
    frames: Optional[FrameRange] = None


class LeftOut(NamedTuple):
    """What is not used.

    Attributes:
        reason (str): In a few words, the same for all of a kind.
        name (str): Of the clip: its path, or where it is said.
        detail (str): More words on this one.
    """

    reason: str
    name: str
    detail: str = ''


@dataclass
class Reading:
    """What a source says.

    Attributes:
        kind (str): Of the source, in words.
        root (str): Folder of its videos.
        clips (list[Clip]): In the order of the source.
        left_out (list[LeftOut]): What is no usable clip.
        remarks (list[str]): What a user should know of how it was read.
        classes (list[str]): Names that it has, in their order, also those
            without a clip.
    """

    kind: str
    root: str
    clips: list[Clip] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, name: str, detail: str = '') -> None:
        """Note what is not used."""
        self.left_out.append(LeftOut(reason, name, detail))


@dataclass(frozen=True)
class ReadingOptions:
    """How sources are read.

    Attributes:
        root (str, optional): Folder that relative paths begin in; what lies
            outside is left out. Defaults to None: where the source lies, or
            the process, whichever has more of the files.
        path_column (str, optional): Of tables. Defaults to None: by its name.
        label_column (str, optional): Of tables. Defaults to None: by its name.
        group_column (str, optional): Of tables. Defaults to None: 'group', if
            there is one.
        separator (str): Signs that part several labels of a clip.
        rate (float, optional): Frames a second by which Label Studio counts.
            Defaults to None: they are the frames of the file.
        classes (Sequence[str], optional): Names of the numbers in lists.
    """

    root: Optional[str] = None
    path_column: Optional[str] = None
    label_column: Optional[str] = None
    group_column: Optional[str] = None
    separator: str = ';|'
    rate: Optional[float] = None
    classes: Optional[Sequence[str]] = None


def part_of(name: str) -> str:
    """The part that a word means; '' if it is none."""
    return _PART_NAMES.get(name.strip().lower(), '')


def read_part(text: str, place: str) -> str:
    """The part that somebody has written.

    Raises:
        ValueError: if it is none; names the place.
    """
    part = part_of(text)
    if text.strip() and not part:
        raise ValueError(
            f"{place}: '{text}' is no part of a data set; these are "
            f'{", ".join(PARTS)}{did_you_mean(text.lower(), _PART_NAMES)}'
        )
    return part
