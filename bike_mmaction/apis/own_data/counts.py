"""What is told of clips: warnings by kind, the content of ``data.json``."""

import os.path as osp
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...datasets.layouts import PARTS, LeftOut
from ...datasets.own_names import says_nothing
from ...datasets.splitting import join_groups
from ...terminal import printable
from ...version import __version__
from .clips import OwnData, split_by

FORMAT = 1  # of data.json
NAMED = 3  # in a line; data.json names all


def summarize(data: OwnData) -> None:
    """Add warnings and remarks of all that was found."""
    by_reason: dict[str, list[LeftOut]] = defaultdict(list)
    for one in data.left_out:
        by_reason[one.reason].append(one)
    for reason, group in by_reason.items():
        named = (_with_detail(shown(one.name, data), one.detail) for one in group)
        data.warnings.append(f'{len(group)} left out, {reason}: {_first(named)}')
    _tell_of_files(data)
    _tell_of_names(data)
    if data.parts:
        _tell_of_parts(data)


def shown(path: str, data: OwnData) -> str:
    """A path as short as it can be: below the root of its source."""
    for reading in data.readings:
        if path.startswith(osp.join(reading.root, '')):
            path = osp.relpath(path, reading.root)
            break
    return printable(path, in_one_line=True)


def _with_detail(name: str, detail: str) -> str:
    """A name, with what is known of it; where it is said, once."""
    detail = printable(detail, in_one_line=True).removesuffix(f'; {name}')
    return f'{name} ({detail})' if detail else name


def _first(names: Iterable[str]) -> str:
    names = list(names)
    more = f'; and {len(names) - NAMED} more' if len(names) > NAMED else ''
    return '; '.join(names[:NAMED]) + more


def _tell_of_files(data: OwnData) -> None:
    """Clips that are used, though something is wrong with them."""
    used = {clip.clip.path for clip in data.clips}
    damaged = [
        f'{shown(path, data)} ({fact.verdict.reason})'
        for path, fact in data.facts.items()
        if path in used and fact.verdict.problem == 'damaged'
    ]
    short = [clip for clip in data.clips if clip.frames < data.clip_len]
    cut = [
        f'{shown(path, data)} ({span.remark})'
        for path, fact in data.facts.items()
        for span in fact.spans
        if span.remark and path in used
    ]
    if damaged:
        data.warnings.append(
            f'{len(damaged)} files are damaged, kept: {_first(damaged)}'
        )
    if cut:
        data.warnings.append(f'{len(cut)} clips end with their file: {_first(cut)}')
    if short:
        named = (f'{shown(c.clip.path, data)} ({c.frames} frames)' for c in short)
        data.warnings.append(
            f'{len(short)} clips are shorter than the {data.clip_len} frames that the '
            f'model sees, kept, some frames are repeated: {_first(named)}'
        )


def _tell_of_names(data: OwnData) -> None:
    labels: dict[str, list[str]] = defaultdict(list)
    for label, name in data.names.items():
        labels[name].append(label)
    for name, own in labels.items():
        if len(own) > 1 and name in data.classes:
            data.warnings.append(
                f'{" and ".join(map(repr, own))} are one class, {name!r}: CLIP reads '
                'the same of them'
            )
    changed = [
        f'{label!r} is {name!r}'
        for label, name in data.names.items()
        if name not in ('', label)
    ]
    if changed:
        data.remarks.append(f'names of classes as CLIP reads them: {_first(changed)}')
    silent = [name for name in data.classes if says_nothing(name)]
    if silent:
        data.warnings.append(
            'classes whose names say nothing to CLIP, edit classes.txt: '
            f'{_first(silent)}'
        )


def counts_of(data: OwnData) -> dict[str, dict[str, int]]:
    """Clips of each class by part."""
    counts = {name: dict.fromkeys(PARTS, 0) for name in data.classes}
    for clip, part in zip(data.clips, data.parts):
        for label in clip.labels:
            counts[label][part] += 1
    return counts


def _tell_of_parts(data: OwnData) -> None:
    counts = counts_of(data)
    used = {name: one for name, one in counts.items() if any(one.values())}
    single = [name for name, one in used.items() if sum(one.values()) == 1]
    if single:
        data.warnings.append(f'classes with one clip, add more: {_first(single)}')
    for part, verb in dict(train='train on', val='validate', test='test').items():
        absent = [name for name, one in used.items() if not one[part]]
        if part not in data.parts:
            data.warnings.append(f'there are no clips to {verb}: no {part}.txt')
        elif absent:
            data.warnings.append(f'classes without a clip to {verb}: {_first(absent)}')
    leaks = recordings_in_parts(data)
    if leaks:
        data.warnings.append(
            'recordings with clips in several parts, as they were given: '
            f'{_first(leaks)}'
        )
    given = sum(bool(clip.clip.part) for clip in data.clips)
    if given:
        data.remarks.append(f'{given} of {len(data.clips)} clips had their part given')


def _recordings(data: OwnData) -> list[int]:
    return join_groups([split_by(clip).groups for clip in data.clips])


def recordings_in_parts(data: OwnData) -> list[str]:
    """Recordings that are not on one side, by a group or a file of theirs."""
    parts: dict[int, set[str]] = defaultdict(set)
    recordings = _recordings(data)
    for recording, part in zip(recordings, data.parts):
        parts[recording].add(part)
    first = dict(zip(reversed(recordings), reversed(data.clips)))
    return [
        f'{first[r].clip.group or shown(first[r].clip.path, data)} '
        f'({", ".join(p for p in PARTS if p in own)})'
        for r, own in parts.items()
        if len(own) > 1
    ]


def content_of(data: OwnData, root: str, files: dict[str, str]) -> dict[str, Any]:
    """What ``data.json`` has.

    Args:
        data (OwnData): All that was found.
        root (str): Folder that the paths in the lists begin in.
        files (dict[str, str]): SHA-256 of each written file.
    """
    seconds = [clip.seconds for clip in data.clips]
    by_reason: dict[str, list[dict]] = defaultdict(list)
    for one in data.left_out:
        by_reason[one.reason].append(dict(name=one.name, detail=one.detail))
    labels: dict[str, list[str]] = defaultdict(list)
    for label, name in data.names.items():
        labels[name].append(label)
    lengths = _seconds_by_class(data)
    return dict(
        format=FORMAT,
        bike_mmaction=__version__,
        sources=[
            dict(source=source, kind=reading.kind, root=reading.root)
            for source, reading in zip(data.settings['sources'], data.readings)
        ],
        settings=data.settings,
        root=root,
        multi_label=data.multi_label,
        segments=data.has_segments,
        clips={part: data.parts.count(part) for part in PARTS},
        recordings=len(set(_recordings(data))),
        seconds=_durations(seconds),
        classes=[
            dict(name=name, labels=labels[name], **counts, seconds=lengths[name])
            for name, counts in counts_of(data).items()
        ],
        warnings=data.warnings,
        remarks=data.remarks,
        left_out=by_reason,
        left_out_counts=Counter(one.reason for one in data.left_out),
        files=files,
    )


def _durations(seconds: Sequence[float]) -> dict[str, float]:
    values = np.asarray(seconds, float)
    return dict(
        total=round(float(values.sum()), 3),
        shortest=round(float(values.min()), 3),
        median=round(float(np.median(values)), 3),
        longest=round(float(values.max()), 3),
    )


def _seconds_by_class(data: OwnData) -> dict[str, float]:
    """How long the clips of each class are together."""
    lengths = dict.fromkeys(data.classes, 0.0)
    for clip in data.clips:
        for label in clip.labels:
            lengths[label] += clip.seconds
    return {name: round(seconds, 3) for name, seconds in lengths.items()}
