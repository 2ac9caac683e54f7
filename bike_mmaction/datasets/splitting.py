"""Parting clips into train, val and test: by class, by recording, by a seed.

Recordings are drawn, the rarest class first. Each goes to the part that lacks
most of its classes: as iterative stratification does it for several labels
(Sechidis et al., 2011), and for one label the shares of each class come out
exactly, as far as whole recordings allow it.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .layouts import PARTS

# Who goes without first where a class has too few recordings.
_NEED = ('train', 'test', 'val')
Quotas = dict[str, dict[str, int]]  # clips by class and part


class SplitClip(NamedTuple):
    """What a clip is parted by.

    Attributes:
        labels (tuple[str, ...]): Its classes.
        groups (tuple[str, ...]): What it shares with others that must be on
            its side: its recording, its content.
        part (str): Where it is, if that is given; else ''.
    """

    labels: tuple[str, ...]
    groups: tuple[str, ...]
    part: str = ''


def split_clips(
    clips: Sequence[SplitClip], shares: Sequence[float], seed: int = 0
) -> list[str]:
    """The part of each clip.

    A given part stays; clips without one go to that of their recording, or,
    if any parts are given at all, to the training. A part that then has
    nothing, and has a share, is drawn from the training.

    Args:
        clips (Sequence[SplitClip]): In an order that is always the same.
        shares (Sequence[float]): Of train, val and test.
        seed (int): Of the draw. Defaults to 0.
    """
    recordings = join_groups([clip.groups for clip in clips])
    parts = [clip.part for clip in clips]
    given = _given(parts, recordings)
    if any(parts):
        parts = [
            part or given.get(recording, 'train')
            for part, recording in zip(parts, recordings)
        ]
    wanted = dict(zip(PARTS, shares))
    absent = [part for part in PARTS if part not in parts and wanted[part] > 0]
    if not absent:
        return parts
    fixed = {r for r, part in zip(recordings, parts) if part not in ('', 'train')}
    free = [i for i, recording in enumerate(recordings) if recording not in fixed]
    drawn = _draw(
        [clips[i].labels for i in free],
        [recordings[i] for i in free],
        {part: wanted[part] for part in dict.fromkeys(('train', *absent))},
        random.Random(seed),
    )
    for i, part in zip(free, drawn):
        parts[i] = part
    return parts


def _given(parts: Sequence[str], recordings: Sequence[int]) -> dict[int, str]:
    """The part that some clip of a recording has been given."""
    given: dict[int, str] = {}
    for part, recording in zip(parts, recordings):
        if part:
            best = max(given.get(recording, part), part, key=PARTS.index)
            given[recording] = best
    return given


def join_groups(groups: Sequence[Sequence[str]]) -> list[int]:
    """Number the clips' recordings: whoever shares a name has the same."""
    first: dict[str, int] = {}
    parent = list(range(len(groups)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for number, names in enumerate(groups):
        for name in names:
            a, b = sorted((root(first.setdefault(name, number)), root(number)))
            parent[b] = a
    return [root(number) for number in range(len(groups))]


def _draw(
    labels: Sequence[Sequence[str]],
    recordings: Sequence[int],
    shares: dict[str, float],
    draws: random.Random,
) -> list[str]:
    counts: dict[int, Counter] = defaultdict(Counter)
    for names, recording in zip(labels, recordings):
        counts[recording].update(names or [''])
    quotas, need = _quotas(counts, shares), _quotas(counts, shares)
    by_need = [part for part in _NEED if part in shares]
    order = list(counts)
    draws.shuffle(order)
    frequency = Counter(name for one in counts.values() for name in one)
    sizes = {r: sum(one.values()) for r, one in counts.items()}
    order.sort(key=lambda r: (min(frequency[n] for n in counts[r]), -sizes[r]))
    chosen: dict[int, str] = {}
    for recording in order:
        own = counts[recording]
        chosen[recording] = max(
            by_need, key=lambda part: _lack(own, need, quotas, part)
        )
        for name, number in own.items():
            need[name][chosen[recording]] -= number
    _train_all(chosen, counts, order)
    return [chosen[recording] for recording in recordings]


def _lack(own: Counter, need: Quotas, quotas: Quotas, part: str) -> float:
    """Which share of its clips a part still lacks, of the classes of a recording."""
    return sum(
        number * need[name][part] / max(quotas[name][part], 1)
        for name, number in own.items()
    )


def _quotas(counts: dict[int, Counter], shares: dict[str, float]) -> Quotas:
    """How many clips of each class each part should have."""
    recordings: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for one in counts.values():
        recordings.update(one.keys())
        totals.update(one)
    return {name: _quota(totals[name], recordings[name], shares) for name in totals}


def _quota(total: int, recordings: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers nearest to the shares; no part without, if it can be."""
    quota = dict.fromkeys(shares, 0)
    parts = [part for part in _NEED if shares.get(part, 0) > 0][:recordings]
    whole = sum(shares[part] for part in parts)
    exact = {part: total * shares[part] / whole for part in parts}
    for part in parts:
        quota[part] = max(1, int(exact[part]))
    by_rest = sorted(parts, key=lambda part: quota[part] - exact[part])
    while sum(quota.values()) < total:
        quota[by_rest[0]] += 1
        by_rest.append(by_rest.pop(0))
    while sum(quota.values()) > total:
        several = [part for part in parts if quota[part] > 1]
        quota[max(several, key=lambda part: quota[part] - exact[part])] -= 1
    return quota


def _train_all(
    chosen: dict[int, str], counts: dict[int, Counter], order: Iterable[int]
) -> None:
    """Let each class have something to train on: its smallest recording."""
    order = list(order)
    trained = {name for r in order if chosen[r] == 'train' for name in counts[r]}
    for name in sorted({name for one in counts.values() for name in one} - trained):
        own = [r for r in order if name in counts[r]]
        chosen[min(own, key=lambda r: sum(counts[r].values()))] = 'train'
