"""What the scores of a test say: numbers alone, before anything is drawn."""

import math
from statistics import NormalDist
from typing import NamedTuple, Optional

import numpy as np
from mmaction.evaluation import mean_average_precision

from ..evaluation.label_calibration import Agreement, compare_labels

_RESAMPLES, _SEED = 200, 0  # of the interval of mAP


class Interval(NamedTuple):
    """In which a share lies with 95 % confidence."""

    low: float
    high: float


class ClassRow(NamedTuple):
    """A class in a test where each video has one.

    Attributes:
        number (int): Of the class, from 0.
        videos (int): Of this class.
        right (int): How many of them were recognized.
        interval (Interval): Of the share right / videos.
        predicted (int): How many videos were taken for this class.
    """

    number: int
    videos: int
    right: int
    interval: Interval
    predicted: int

    @property
    def recall(self) -> float:
        """Share of its videos that were recognized; nan without any."""
        return self.right / self.videos if self.videos else math.nan

    @property
    def precision(self) -> float:
        """Share of right answers among the answers of this class."""
        return self.right / self.predicted if self.predicted else math.nan


class Pair(NamedTuple):
    """How many videos of one class were taken for another."""

    truth: int
    predicted: int
    videos: int


class Mistake(NamedTuple):
    """A video for which a wrong class has a higher score than a right one.

    Attributes:
        video (int): Its row in the dump.
        truth (int, optional): A class that it has: the one of the lowest score;
            None if it has none.
        predicted (int, optional): The class of the highest score that it has
            not; None if it has all.
        margin (float): By how much the wrong score is higher.
        rank (int): Place of ``truth`` among all classes, from 1.
    """

    video: int
    truth: Optional[int]
    predicted: Optional[int]
    margin: float
    rank: int


class LabelRow(NamedTuple):
    """A class in a test where a video may have several.

    Attributes:
        number (int): Of the class, from 0.
        videos (int): That have it.
        average_precision (float): See :func:`average_precisions`.
        labels (Agreement, optional): Of its labels at the threshold; None
            without one.
    """

    number: int
    videos: int
    average_precision: float
    labels: Optional[Agreement]


def wilson(right: int, total: int, classes: int = 1) -> Interval:
    """Wilson's interval of a share; also sound near 0 and 1, and for few.

    Args:
        right (int): Of ``total``.
        total (int): With 0 the interval is all of [0, 1].
        classes (int): How many such intervals shall hold at once with 95 %
            (Bonferroni). Defaults to 1.
    """
    if not total:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(1 - 0.025 / classes)
    share, spread = right / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = (
        z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / total / 4)
    )
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def confusion_matrix(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Videos [K, K] by their class and the class they were taken for.

    Args:
        scores (np.ndarray): [N, K].
        labels (np.ndarray): Class numbers [N].
    """
    matrix = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def class_rows(matrix: np.ndarray) -> list[ClassRow]:
    """Each class of a :func:`confusion_matrix`, the least recognized first.

    Classes without videos come last.
    """
    rows = [
        ClassRow(
            k, int(n), int(matrix[k, k]), wilson(int(matrix[k, k]), int(n)), int(p)
        )
        for k, (n, p) in enumerate(zip(matrix.sum(axis=1), matrix.sum(axis=0)))
    ]
    return sorted(rows, key=lambda r: (not r.videos, r.recall if r.videos else 0))


def confused_pairs(matrix: np.ndarray, most: int) -> list[Pair]:
    """The pairs that were confused most often, at most so many."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    return _most_of(wrong, most)


def _most_of(wrong: np.ndarray, most: int) -> list[Pair]:
    """The largest entries of a matrix [K, K], without zeros."""
    order = np.argsort(-wrong, axis=None, kind='stable')[:most]
    places = zip(*np.unravel_index(order, wrong.shape))
    pairs = [Pair(int(t), int(p), int(wrong[t, p])) for t, p in places]
    return [pair for pair in pairs if pair.videos]


def top_k(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of videos with their class among the k of the highest scores."""
    own = scores[np.arange(len(labels)), labels]
    return float(((scores > own[:, None]).sum(axis=1) < k).mean())


def average_precisions(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of each class [K], as MMAction2 computes it; nan without videos.

    Args:
        scores (np.ndarray): [N, K].
        truth (np.ndarray): Bool [N, K].
    """
    columns = zip(scores.T, truth.T.astype(int))
    return np.array(
        [
            mean_average_precision(s[:, None], t[:, None]) if t.any() else math.nan
            for s, t in columns
        ]
    )


def interval_of_map(scores: np.ndarray, truth: np.ndarray) -> Interval:
    """95 % of mAP over draws of as many videos, with replacement."""
    random = np.random.RandomState(_SEED)
    values = []
    for _ in range(_RESAMPLES):
        rows = random.randint(len(scores), size=len(scores))
        present = truth[rows].any(axis=0)
        if present.any():
            sample = scores[rows][:, present], truth[rows][:, present].astype(int)
            values.append(mean_average_precision(*sample))
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def worst_mistakes(scores: np.ndarray, labels: np.ndarray, most: int) -> list[Mistake]:
    """The videos that were wrong by the widest margin, the worst first.

    Args:
        scores (np.ndarray): [N, K].
        labels (np.ndarray): Class numbers [N], or bool [N, K].
        most (int): How many, at most.
    """
    truth = labels if labels.ndim == 2 else np.eye(scores.shape[1], dtype=bool)[labels]
    wrong = np.where(truth, -np.inf, scores)
    right = np.where(truth, scores, np.inf)
    with np.errstate(invalid='ignore'):
        margin = wrong.max(axis=1) - right.min(axis=1)  # -inf: no right, or no wrong
    return [
        Mistake(
            int(i),
            int(right[i].argmin()),
            int(wrong[i].argmax()),
            float(margin[i]),
            int((scores[i] > right[i].min()).sum()) + 1,
        )
        for i in _widest(margin, most)
    ]


def _widest(margin: np.ndarray, most: int) -> list[int]:
    """Rows of the largest margins above 0, at most so many."""
    return [i for i in np.argsort(-margin, kind='stable')[:most] if margin[i] > 0]


def label_rows(
    scores: np.ndarray, truth: np.ndarray, named: Optional[np.ndarray]
) -> list[LabelRow]:
    """Each class, that of the lowest average precision first.

    Classes without videos come last.

    Args:
        scores (np.ndarray): [N, K].
        truth (np.ndarray): Bool [N, K].
        named (np.ndarray, optional): Bool [N, K], labels at the threshold.
    """
    rows = []
    for k, precision in enumerate(average_precisions(scores, truth)):
        own = None if named is None else compare_labels(named[:, k], truth[:, k])
        rows.append(LabelRow(k, int(truth[:, k].sum()), float(precision), own))
    return sorted(rows, key=lambda r: (not r.videos, r.average_precision))


def worst_labels(
    confidences: np.ndarray, truth: np.ndarray, threshold: float, most: int
) -> list[Mistake]:
    """The videos with the surest wrong label, or the most clearly missed one.

    The margin is the confidence of a wrong label at or above the threshold, or
    what a missed one lacks to 1. A class that is right is None.

    Args:
        confidences (np.ndarray): [N, K].
        truth (np.ndarray): Bool [N, K].
        threshold (float): From which a class is named.
        most (int): How many, at most.
    """
    wrong = np.where(~truth & (confidences >= threshold), confidences, 0.0)
    missed = np.where(truth & (confidences < threshold), 1 - confidences, 0.0)
    margin = np.maximum(wrong, missed).max(axis=1)
    return [
        Mistake(
            int(i),
            int(missed[i].argmax()) if missed[i].any() else None,
            int(wrong[i].argmax()) if wrong[i].any() else None,
            float(margin[i]),
            1,
        )
        for i in _widest(margin, most)
    ]


def mixed_up(named: np.ndarray, truth: np.ndarray, most: int) -> list[Pair]:
    """The classes that were missed where another was named wrongly, and how often.

    Args:
        named (np.ndarray): Bool [N, K].
        truth (np.ndarray): Bool [N, K].
        most (int): How many pairs, at most.
    """
    missed, wrong = (truth & ~named).astype(int), (named & ~truth).astype(int)
    return _most_of(missed.T @ wrong, most)
