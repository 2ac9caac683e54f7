"""What to do next: sentences that follow from the numbers of a test."""

from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from .measures import ClassRow, Interval, Pair, wilson

WIDE = 0.05  # half of an interval from which more videos to test on are worth it
FEW = 10  # clips to train a class on
MOST = 5  # classes or pairs that are named
OFTEN, SHARE = 3, 0.15  # mix-ups of a pair that are worth a word
GAP = 0.15  # between training and validation


class Advice(NamedTuple):
    """What to do, to which classes, and why.

    Attributes:
        what (str): Such as 'Add clips'.
        subjects (list[str]): Names of classes, or of pairs.
        why (str): A sentence.
    """

    what: str
    subjects: list[str]
    why: str


def advise(
    rows: Sequence[ClassRow],
    pairs: Sequence[Pair],
    names: Sequence[str],
    overall: Interval,
    training: Optional[Sequence[int]] = None,
    gap: Optional[float] = None,
) -> list[Advice]:
    """What to do next, the most useful first.

    Args:
        rows (Sequence[ClassRow]): Of the classes.
        pairs (Sequence[Pair]): That were confused most often.
        names (Sequence[str]): Of the K classes.
        overall (Interval): Of the accuracy.
        training (Sequence[int], optional): Clips that each was trained on.
        gap (float, optional): Accuracy in training minus that in validation.
    """
    steps = [
        _few_clips(training, names),
        _weak(rows, names, overall, training),
        _confusable(rows, pairs, names),
        _untested(rows, names),
        _too_few_tested(overall, sum(row.videos for row in rows)),
        _overfitted(gap),
    ]
    named = [step for step in steps if step is not None]
    if rows and not any(step.subjects for step in named):
        named.insert(0, _all_alike(rows, names))
    return named


def _all_alike(rows: Sequence[ClassRow], names: Sequence[str]) -> Advice:
    wrong = [row for row in rows if row.right < row.videos]
    return Advice(
        'Add clips of all classes',
        _listed([f'{names[r.number]} ({r.right} of {r.videos} right)' for r in wrong]),
        'No class is worse than the others by more than chance, and no pair is often '
        'confused.'
        + (' The lowest so far are named above; begin with them.' if wrong else ''),
    )


def _listed(names: list[str]) -> list[str]:
    more = len(names) - MOST
    return names[:MOST] + ([f'and {more} more'] if more > 0 else [])


def is_scarce(clips: int, training: Sequence[int]) -> bool:
    """Whether a class has few clips: in itself, or beside the others."""
    return bool(clips < FEW or clips < np.median(training) / 2)


def _few_clips(
    training: Optional[Sequence[int]], names: Sequence[str]
) -> Optional[Advice]:
    if training is None:
        return None
    order = [int(k) for k in np.argsort(training, kind='stable')]
    scarce = [k for k in order if is_scarce(training[k], training)]
    if not scarce:
        return None
    return Advice(
        'Add training clips of these classes first',
        _listed([f'{names[k]} (has {training[k]})' for k in scarce]),
        f'They have fewer than {FEW}, or less than half of what is usual here '
        f'({np.median(training):.0f}).',
    )


def _weak(
    rows: Sequence[ClassRow],
    names: Sequence[str],
    overall: Interval,
    training: Optional[Sequence[int]],
) -> Optional[Advice]:
    """Classes of which it is certain that they are below the average."""
    weak = [
        row
        for row in rows
        if wilson(row.right, row.videos, len(rows)).high < overall.low
    ]
    if not weak:
        return None
    subjects = [
        f'{names[row.number]} ({row.right} of {row.videos} right'
        + (f', {training[row.number]} clips to train)' if training else ')')
        for row in weak
    ]
    return Advice(
        'Look at the clips of these classes, and add varied ones',
        _listed(subjects),
        'They are recognized less often than the others, by more than chance, also if '
        'one counts that of many classes some are low by chance.',
    )


def _confusable(
    rows: Sequence[ClassRow], pairs: Sequence[Pair], names: Sequence[str]
) -> Optional[Advice]:
    videos = {row.number: row.videos for row in rows}
    often = [
        pair
        for pair in pairs
        if pair.videos >= OFTEN and pair.videos >= SHARE * videos[pair.truth]
    ]
    if not often:
        return None
    subjects = [
        f'{names[p.truth]} → {names[p.predicted]} ({p.videos} of {videos[p.truth]})'
        for p in often
    ]
    return Advice(
        'Tell these classes apart',
        _listed(subjects),
        'The first is taken for the second. Names are read by the model: choose words '
        'that say what is seen to differ. Add clips of both in the same surroundings, '
        'or make them one class if you need not tell them apart.',
    )


def _untested(rows: Sequence[ClassRow], names: Sequence[str]) -> Optional[Advice]:
    untested = [names[row.number] for row in rows if not row.videos]
    if not untested:
        return None
    return Advice(
        'Add clips to test on',
        _listed(untested),
        'There was none of these classes, so that nothing is known of them.',
    )


def _too_few_tested(overall: Interval, videos: int) -> Optional[Advice]:
    half = (overall.high - overall.low) / 2
    if half <= WIDE:
        return None
    return Advice(
        'Test on more videos before you compare models',
        [],
        f'With {videos} videos the accuracy is known to about '
        f'± {100 * half:.0f} points; four times as many halve that.',
    )


def _overfitted(gap: Optional[float]) -> Optional[Advice]:
    if gap is None or gap < GAP:
        return None
    return Advice(
        'Add more varied clips, or train less of the model',
        [],
        f'Training clips are recognized {100 * gap:.0f} points more often than '
        'validation clips: the model has learnt them by heart. Other people, places '
        'and cameras help most; --tune frozen learns less by heart.',
    )
