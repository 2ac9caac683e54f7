"""Confidences that hold where a video may have several labels."""

import numpy as np
import pytest
from scipy.special import expit

from bike_mmaction.evaluation.label_calibration import (
    best_threshold,
    calibrate_labels,
    compare_labels,
    fit_scale_and_bias,
)


@pytest.mark.parametrize('scale,bias', [(3.0, 1.0), (12.0, -5.0), (60.0, -20.0)])
def test_what_labels_were_drawn_with(scale, bias):
    random = np.random.RandomState(0)
    cosines = random.uniform(-0.4, 1, (4000, 5))
    truth = random.rand(4000, 5) < expit(scale * cosines + bias)
    fitted = fit_scale_and_bias(cosines, truth)
    assert fitted == pytest.approx((scale, bias), rel=0.15)
    before, after = calibrate_labels(cosines, truth, 1.0, 0.0).error
    assert after < 0.02 < before


def test_few_videos_that_are_all_told_apart():
    """Each label is likelier than not, and none is certain."""
    truth = np.eye(4, dtype=bool)
    fitted = calibrate_labels(np.where(truth, 0.3, 0.1), truth, 100, -10)
    confidences = expit(fitted.scale * np.where(truth, 0.3, 0.1) + fitted.bias)
    assert confidences[truth] == pytest.approx(5 / 6, abs=1e-3)
    assert confidences[~truth] == pytest.approx(1 / 14, abs=1e-3)
    assert (fitted.f1, fitted.precision, fitted.recall, fitted.videos) == (1, 1, 1, 4)
    assert 1 / 14 < fitted.threshold < 5 / 6


def test_no_other_threshold_has_a_higher_f1():
    random = np.random.RandomState(1)
    for _ in range(50):
        confidences = random.randint(0, 6, (4, 3)) / 5  # with equal ones
        truth = random.rand(4, 3) < 0.4
        truth[0, 0] = True
        chosen = compare_labels(
            confidences >= best_threshold(confidences, truth), truth
        )
        others = [
            compare_labels(confidences >= t, truth).f1 for t in np.unique(confidences)
        ]
        assert chosen.f1 == pytest.approx(max(others))


def test_nothing_to_fit():
    with pytest.raises(ValueError, match='one at least has a label, got 3 videos'):
        calibrate_labels(np.zeros((3, 2)), np.zeros((3, 2), bool), 1, 0)
