"""Clips of one's own, as they become a data folder."""

from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from ...datasets.checking import sampled_frames
from ...datasets.clip_choice import UsableClip
from ...datasets.clip_files import FileFacts
from ...datasets.layouts import LeftOut, Reading
from ...datasets.pipeline_access import own_dataset
from ...datasets.splitting import SplitClip


@dataclass
class OwnData:
    """Clips that are chosen, named and parted.

    Attributes:
        out (str): The data folder.
        base (Config): What its config begins with.
        clips (list[UsableClip]): Those that are used.
        parts (list[str]): Of each clip: 'train', 'val' or 'test'.
        classes (list[str]): Their names, in the order of the labels.
        names (dict[str, str]): Names of classes, by label as it was written.
        multi_label (bool): Whether a clip may have several labels, or none.
        readings (list[Reading]): Of the sources.
        facts (dict[str, FileFacts]): Of all files, by path.
        left_out (list[LeftOut]): What is not used, with the reason.
        settings (dict): Seed, shares and others that the result follows from.
        warnings (list[str]): What a user should look at.
        remarks (list[str]): What a user may want to know.
        written (list[str]): Paths of what was written.
    """

    out: str
    base: Config
    clips: list[UsableClip] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    multi_label: bool = False
    readings: list[Reading] = field(default_factory=list)
    facts: dict[str, FileFacts] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @property
    def clip_len(self) -> int:
        """Frames that the model samples of each clip."""
        return sampled_frames(own_dataset(self.base, 'train')['pipeline'])

    @property
    def has_segments(self) -> bool:
        """Whether some clips are parts of their files."""
        return any(clip.start is not None for clip in self.clips)

    def of_part(self, part: str) -> list[UsableClip]:
        """The clips of a part."""
        return [clip for clip, own in zip(self.clips, self.parts) if own == part]


def split_by(clip: UsableClip) -> SplitClip:
    """What a clip is parted by: its classes, its recording, its content."""
    groups = [f'content {clip.content}']
    if clip.clip.group:
        groups.append(f'group {clip.clip.group}')
    return SplitClip(clip.labels, tuple(groups), clip.clip.part)
