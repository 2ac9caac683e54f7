"""Which clips are used: each once, with labels that do not contradict each other."""

import os.path as osp
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from .clip_files import FileFacts
from .layouts import PARTS, Clip, LeftOut

SAME = 'same content as another clip'
SEVERAL = 'same clip in several classes'
# ends of lines, tabs, and halves of characters: bytes that are no UTF-8
_UNLISTABLE = re.compile('[\t\n\r\v\f\0\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]')
LABELS, AGAIN = 'labels of a clip that is listed again', 'listed again'


class UsableClip(NamedTuple):
    """A clip that can be trained or tested on.

    Attributes:
        clip (Clip): As it was read.
        labels (tuple[str, ...]): Names of its classes.
        start (float, optional): In seconds; None: the whole file.
        end (float, optional): In seconds.
        frames (int): Their number.
        seconds (float): How long it is.
        content (str): The same for files with the same content.
    """

    clip: Clip
    labels: tuple[str, ...]
    start: Optional[float]
    end: Optional[float]
    frames: int
    seconds: float
    content: str


def usable_clips(
    clips: Sequence[Clip],
    facts: Mapping[str, FileFacts],
    digests: Mapping[str, str],
    names: Mapping[str, str],
    min_frames: int = 1,
) -> tuple[list[UsableClip], list[LeftOut]]:
    """The clips whose files can be used, in their order.

    Args:
        clips (Sequence[Clip]): All of them.
        facts (Mapping[str, FileFacts]): By path, of these clips.
        digests (Mapping[str, str]): By path; those that lack differ.
        names (Mapping[str, str]): Of classes, by label.
        min_frames (int): Clips with fewer are left out. Defaults to 1.
    """
    spans = {path: iter(one.spans) for path, one in facts.items()}
    usable, left_out = [], []
    for clip in clips:
        fact = facts[clip.path]
        if not fact.verdict.usable:
            detail = f'{fact.verdict.reason}; {clip.place}'
            left_out.append(LeftOut(fact.verdict.problem, clip.path, detail))
            continue
        span = next(spans[clip.path])
        if span.problem:
            detail = f'{span.problem}; {clip.place}'
            left_out.append(LeftOut('behind the end', clip.path, detail))
        elif span.frames < min_frames:
            detail = f'{span.frames} frames, fewer than {min_frames}; {clip.place}'
            left_out.append(LeftOut('too short', clip.path, detail))
        else:
            labels = tuple(dict.fromkeys(names[label] for label in clip.labels))
            seconds = fact.duration
            if span.start is not None and span.end is not None:
                seconds = span.end - span.start
            content = digests.get(clip.path, clip.path)
            usable.append(
                UsableClip(
                    clip, labels, span.start, span.end, span.frames, seconds, content
                )
            )
    return usable, left_out


def each_once(
    clips: Sequence[UsableClip], multi_label: bool
) -> tuple[list[UsableClip], list[LeftOut]]:
    """Keep one of clips that are the same, by content and range.

    Where their parts are given, that of the test stays, or else of the
    validation. Where their labels differ, one clip gets all of them if there
    may be several; else nobody knows which is right, and none stays.
    """
    same: dict[tuple, list[UsableClip]] = defaultdict(list)
    for clip in clips:
        key = (clip.content, *(t if t is None else round(t, 3) for t in clip[2:4]))
        same[key].append(clip)
    kept: dict[int, UsableClip] = {}
    left_out: list[LeftOut] = []
    for group in same.values():
        first = max(group, key=lambda one: PARTS.index(one.clip.part or 'train'))
        others = [one for one in group if one is not first]
        labels = tuple(dict.fromkeys(label for one in group for label in one.labels))
        differ = any(set(one.labels) != set(first.labels) for one in others)
        if differ and not multi_label:
            left_out += [_several(one, labels) for one in group]
            continue
        kept[id(first)] = first._replace(labels=labels)
        for one in others:
            again = LABELS if differ else AGAIN
            reason = again if one.clip.path == first.clip.path else SAME
            left_out.append(LeftOut(reason, one.clip.path, _as(first, one)))
    return [kept[id(clip)] for clip in clips if id(clip) in kept], left_out


def _several(clip: UsableClip, labels: Sequence[str]) -> LeftOut:
    detail = f'it is in {" and ".join(map(repr, labels))}; {clip.clip.place}'
    return LeftOut(SEVERAL, clip.clip.path, detail)


def _as(first: UsableClip, other: UsableClip) -> str:
    """What other clip stays, and where it is if that is another part."""
    same_file = other.clip.path == first.clip.path
    detail = 'it is used once' if same_file else f"'{first.clip.path}' is used"
    parts = first.clip.part, other.clip.part
    if parts[0] != parts[1]:
        detail += f', in {parts[0] or "no part"}; this one was in {parts[1] or "none"}'
    return f'{detail}; {other.clip.place}'


def without_labels(
    clips: Sequence[UsableClip],
) -> tuple[list[UsableClip], list[LeftOut]]:
    """Leave out the clips that have none."""
    left_out = [
        LeftOut('without label', one.clip.path, one.clip.place)
        for one in clips
        if not one.labels
    ]
    return [one for one in clips if one.labels], left_out


def with_one_label(
    clips: Sequence[UsableClip],
) -> tuple[list[UsableClip], list[LeftOut]]:
    """Leave out the clips that have several."""
    left_out = [_several(one, one.labels) for one in clips if len(one.labels) > 1]
    return [one for one in clips if len(one.labels) < 2], left_out


def listable(clips: Sequence[UsableClip]) -> tuple[list[UsableClip], list[LeftOut]]:
    """Leave out files whose names cannot stand in a line of text."""
    kept, left_out = [], []
    for clip in clips:
        path = clip.clip.path
        if _UNLISTABLE.search(path):
            detail = 'a tab, an end of a line, or bytes that are no UTF-8: rename it'
            left_out.append(LeftOut('name that no list can have', path, detail))
        else:
            kept.append(clip)
    return kept, left_out


def common_root(paths: Sequence[str]) -> str:
    """The folder below which all files lie."""
    folders = {osp.dirname(path) for path in paths}
    return osp.commonpath(folders) if folders else ''
