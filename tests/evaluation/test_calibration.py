"""Confidences that hold, and the threshold for "none of these"."""

import numpy as np
import pytest

from bike_mmaction.evaluation.calibration import (
    calibrate,
    calibration_error,
    choose_threshold,
    confidences,
    fit_scale,
)


def drawn(scale, videos=4000, classes=5, seed=0):
    """Cosines, and labels that are drawn with the confidences they mean."""
    random = np.random.RandomState(seed)
    cosines = random.uniform(-1, 1, (videos, classes))
    chances = confidences(cosines, scale)
    labels = (chances.cumsum(axis=1) < random.rand(videos, 1)).sum(axis=1)
    return cosines, np.minimum(labels, classes - 1)


@pytest.mark.parametrize('scale', [0.5, 7.0, 40.0])
def test_the_scale_that_labels_were_drawn_with(scale):
    cosines, labels = drawn(scale)
    assert fit_scale(cosines, labels) == pytest.approx(scale, rel=0.15)
    before, after = calibrate(cosines, labels, 4 * scale).error
    assert after < 0.03 < before


@pytest.mark.parametrize('videos', [4, 9])
def test_few_videos_that_are_all_right_do_not_make_certain(videos):
    """As many and one more, which is wrong: 4 of 5, 9 of 10."""
    cosines = np.array([[0.6, 0.2]] * videos)
    fitted = calibrate(cosines, np.zeros(videos, int), 100)
    chance = confidences(cosines, fitted.scale)[0, 0]
    assert chance == pytest.approx(videos / (videos + 1), abs=1e-3)


def test_error_of_known_confidences():
    confidence = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 5 + [1] * 5 + [0] * 6 + [1] * 4)
    # half right at 0.9, and as many right as it says at 0.6
    assert calibration_error(confidence, labels) == pytest.approx(0.4 / 2)


def test_threshold_parts_known_from_unknown():
    known, unknown = np.array([0.5, 0.7, 0.8, 0.9]), np.array([0.2, 0.4, 0.55])
    threshold, kept, refused = choose_threshold(known, unknown)
    assert (kept, refused) == (0.75, 1.0)
    assert 0.55 < threshold < 0.7
    certain = np.array([0.9999999, 0.99999995])
    assert choose_threshold(certain, certain[:1] - 1e-8) == (0, 1, 0)


def test_a_video_among_other_classes():
    """Certain of the right class, lost without it."""
    cosines = np.eye(3)[[0, 1, 2] * 4] * 0.5
    fitted = calibrate(cosines, np.array([0, 1, 2] * 4), 100)
    assert (fitted.kept, fitted.refused, fitted.videos) == (1, 1, 12)
    assert 0.5 < fitted.threshold < 1  # two others that are alike have 0.5 each


@pytest.mark.parametrize('shape', [(0, 3), (4, 1)])
def test_nothing_to_fit(shape):
    with pytest.raises(ValueError, match='at least one video and two classes'):
        calibrate(np.zeros(shape), np.zeros(shape[0], int), 1)
