"""How sure may a model be: confidences that hold, and "none of these".

Both follow from videos that were not trained on, such as the validation part.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_BINS = 10  # of the calibration error
_SCALES = (np.log(0.1), np.log(1000.0))  # where the best one is looked for
_DIGITS = 10**4  # of a threshold: four


class Calibration(NamedTuple):
    """What was fitted, and how well it does on the videos it was fitted on.

    Attributes:
        scale (float): Confidences are softmax(scale · cosine); an inverse
            temperature.
        threshold (float): Confidence below which a video is none of the
            classes.
        error (tuple[float, float]): Expected calibration error, in [0, 1],
            before and after.
        kept (float): Share of videos of a class that stay above the threshold.
        refused (float): Share of videos whose class was taken out of the
            classes that fall below it.
        videos (int): On how many it was fitted.
    """

    scale: float
    threshold: float
    error: tuple[float, float]
    kept: float
    refused: float
    videos: int


def calibrate(cosines: np.ndarray, labels: np.ndarray, scale: float) -> Calibration:
    """Fit the scale of the confidences, and a threshold for "none of these".

    The scale is that of :func:`fit_scale` (temperature scaling, Guo et al.
    2017). For the threshold each video is recognized twice, among all
    classes and among all but its own, where every answer would be wrong: it is
    the confidence that parts the two best, by the sum of both shares.

    Args:
        cosines (np.ndarray): Class scores [N, K], K of at least 2.
        labels (np.ndarray): Classes [N], from 0.
        scale (float): That of the model, exp(logit_scale), to compare with.

    Raises:
        ValueError: if there are no videos, or a single class.
    """
    cosines, labels = np.asarray(cosines, float), np.asarray(labels)
    if cosines.ndim != 2 or not len(cosines) or cosines.shape[1] < 2:
        raise ValueError(
            'calibration needs scores [videos, classes] of at least one video and '
            f'two classes, got {list(cosines.shape)}'
        )
    fitted = fit_scale(cosines, labels)
    before, after = (
        calibration_error(confidences(cosines, s), labels) for s in (scale, fitted)
    )
    known = confidences(cosines, fitted).max(axis=1)
    unknown = _without_own_class(cosines, labels, fitted)
    threshold, kept, refused = choose_threshold(known, unknown)
    return Calibration(fitted, threshold, (before, after), kept, refused, len(labels))


def confidences(cosines: np.ndarray, scale: float) -> np.ndarray:
    """softmax(scale · cosine) [..., K]."""
    return np.exp(log_softmax(scale * cosines, axis=-1))


def fit_scale(cosines: np.ndarray, labels: np.ndarray) -> float:
    """The scale with the least negative log-likelihood, from 0.1 to 1000.

    As if one video more, which is like all of them, were of the class that is
    nearest to its own: else a few videos that are all right would make any
    answer certain (Platt 1999 smooths labels by as much).
    """
    rows, count = np.arange(len(labels)), len(labels)
    others = cosines.copy()
    others[rows, labels] = -np.inf
    nearest = others.argmax(axis=1)

    def loss(log_scale: float) -> float:
        chances = log_softmax(np.exp(log_scale) * cosines, axis=1)
        one_more = chances[rows, nearest].mean()
        return -(chances[rows, labels].sum() + one_more) / count

    return float(np.exp(minimize_scalar(loss, bounds=_SCALES, method='bounded').x))


def calibration_error(confidence: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error: |confidence - accuracy|, in ten equal bins.

    Args:
        confidence (np.ndarray): [N, K].
        labels (np.ndarray): [N].
    """
    return error_of(confidence.max(axis=1), confidence.argmax(axis=1) == labels)


def error_of(confidences: np.ndarray, right: np.ndarray) -> float:
    """The same of answers: their confidences, and bool, of the same shape."""
    bins = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs((confidences[bins == b] - right[bins == b]).sum()) for b in np.unique(bins)
    ]
    return float(sum(gaps) / right.size)


def round_down(thresholds: np.ndarray) -> np.ndarray:
    """To four digits, so that none becomes 1, from which on nothing is named."""
    return np.floor(thresholds * _DIGITS) / _DIGITS


def choose_threshold(
    known: np.ndarray, unknown: np.ndarray
) -> tuple[float, float, float]:
    """The confidence that parts known videos from unknown ones best.

    Args:
        known (np.ndarray): Confidences of videos of a class.
        unknown (np.ndarray): Those of videos of none.

    Returns:
        tuple[float, float, float]: The threshold, between two confidences, with
        four digits; the share of known videos at or above it, of unknown ones
        below it.
    """
    values = np.unique(np.concatenate([known, unknown]))
    between = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2])
    between = round_down(between)
    kept = 1 - np.searchsorted(np.sort(known), between) / len(known)
    refused = np.searchsorted(np.sort(unknown), between) / len(unknown)
    best = int(np.argmax(kept + refused))
    return float(between[best]), float(kept[best]), float(refused[best])


def _without_own_class(
    cosines: np.ndarray, labels: np.ndarray, scale: float
) -> np.ndarray:
    """Highest confidences among all classes but the own one [N]."""
    others = np.ones(cosines.shape, bool)
    others[np.arange(len(labels)), labels] = False
    rest = cosines[others].reshape(len(labels), -1)
    return confidences(rest, scale).max(axis=1)
