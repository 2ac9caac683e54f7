"""How sure may a model be of each label, where a video may have several.

As :mod:`.calibration`, from videos that were not trained on.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from .calibration import error_of, round_down

_BOUNDS = ((np.log(0.1), np.log(1000.0)), (-1000.0, 1000.0))  # log scale, bias


class LabelCalibration(NamedTuple):
    """What was fitted, and how well it does on the videos it was fitted on.

    Attributes:
        scale (float): Confidences are sigmoid(scale · cosine + bias).
        bias (float): See there.
        threshold (float): Confidence from which a video has a class; one with
            no class at or above it is none of them.
        error (tuple[float, float]): Expected calibration error of all pairs
            of a video and a class, in [0, 1], before and after.
        f1 (float): Of all pairs, at the threshold, in [0, 1].
        precision (float): Share of the labels named that are right.
        recall (float): Share of the right labels that are named.
        videos (int): On how many it was fitted.
    """

    scale: float
    bias: float
    threshold: float
    error: tuple[float, float]
    f1: float
    precision: float
    recall: float
    videos: int


class Agreement(NamedTuple):
    """How labels above a threshold compare with the true ones."""

    f1: float
    precision: float
    recall: float


def calibrate_labels(
    cosines: np.ndarray, truth: np.ndarray, scale: float, bias: float
) -> LabelCalibration:
    """Fit scale and bias of the confidences, and the threshold of a label.

    Args:
        cosines (np.ndarray): Class scores [N, K].
        truth (np.ndarray): Bool [N, K].
        scale (float): That of the model, to compare with.
        bias (float): As well.

    Raises:
        ValueError: if there are no videos, or none has a label.
    """
    cosines, truth = np.asarray(cosines, float), np.asarray(truth, bool)
    if not len(cosines) or not truth.any():
        raise ValueError(
            'calibration needs videos of which one at least has a label, got '
            f'{len(cosines)} videos'
        )
    fitted = fit_scale_and_bias(cosines, truth)
    before, after = (
        error_of(expit(s * cosines + b), truth) for s, b in ((scale, bias), fitted)
    )
    confidences = expit(fitted[0] * cosines + fitted[1])
    threshold = best_threshold(confidences, truth)
    return LabelCalibration(
        *fitted,
        threshold,
        (before, after),
        *compare_labels(confidences >= threshold, truth),
        len(cosines),
    )


def fit_scale_and_bias(cosines: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Those with the least binary log loss over all videos and classes.

    For labels it takes (n + 1) / (n + 2) and 1 / (m + 2) in place of 1 and 0,
    of n labels that are there and m that are not (Platt 1999): else a few
    videos that are all told apart would ask for an endless scale.

    Args:
        cosines (np.ndarray): [N, K].
        truth (np.ndarray): Bool [N, K].
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    wanted = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    middle = cosines.mean()  # bias and scale would else depend on each other

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        scale = np.exp(values[0])
        logits = scale * (cosines - middle) + values[1]
        value = (np.logaddexp(0, logits) - wanted * logits).mean()
        slope = (expit(logits) - wanted) / logits.size
        slopes = [(slope * scale * (cosines - middle)).sum(), slope.sum()]
        return float(value), np.array(slopes)

    start = np.array([np.log(10.0), 0.0])
    log_scale, shifted = minimize(
        loss, start, jac=True, bounds=_BOUNDS, method='L-BFGS-B'
    ).x
    scale = float(np.exp(log_scale))
    return scale, float(shifted - scale * middle)


def best_threshold(confidences: np.ndarray, truth: np.ndarray) -> float:
    """The confidence from which labels are named, for the highest F1 of all.

    Args:
        confidences (np.ndarray): [N, K].
        truth (np.ndarray): Bool [N, K], at least one of them true.

    Returns:
        float: Half-way from the lowest confidence that is taken to the next,
        with four digits, rounded down.
    """
    order = np.argsort(-confidences, axis=None, kind='stable')
    values, right = confidences.ravel()[order], truth.ravel()[order].cumsum()
    named = np.arange(1, len(values) + 1)
    f1 = 2 * right / (named + right[-1])
    f1[:-1][values[:-1] == values[1:]] = -1  # equal ones are named together
    last = int(f1.argmax())
    below = values[last + 1] if last + 1 < len(values) else 0.0
    return float(round_down((values[last] + below) / 2))


def compare_labels(named: np.ndarray, truth: np.ndarray) -> Agreement:
    """F1, precision and recall over all pairs; 0 where there are none.

    Args:
        named (np.ndarray): Bool, of any shape.
        truth (np.ndarray): Bool, of the same shape.
    """
    right = int((named & truth).sum())
    return Agreement(
        2 * right / max(int(named.sum()) + int(truth.sum()), 1),
        right / max(int(named.sum()), 1),
        right / max(int(truth.sum()), 1),
    )
