"""The zero-shot protocol gives what the authors' evaluation gives."""

import json
import os.path as osp

import numpy as np
import pytest

from bike_mmaction.evaluation.zero_shot import (
    half_classes,
    half_of_classes,
    protocol,
    votes,
)

GOLDEN = osp.dirname(__file__)


@pytest.fixture(scope='module')
def given():
    found = np.load(osp.join(GOLDEN, 'zeroshot.npz'))
    similarity = (
        100 * found['frame_features'].astype(np.float32) @ found['text_features'].T
    )
    return similarity, found['labels']


@pytest.fixture(scope='module')
def expected():
    with open(osp.join(GOLDEN, 'zeroshot.json')) as file:
        return json.load(file)


def test_full_and_half_classes(given, expected):
    found = protocol(*given)
    for name in ('full_top1', 'full_top5', 'half_top1_mean', 'half_top1_std'):
        assert 100 * found[name] == pytest.approx(expected[name], rel=1e-5)
    assert found['half_top5_mean'] == pytest.approx(1)


def test_every_split(given, expected):
    for k, values in zip((1, 5), zip(*half_classes(*given))):
        np.testing.assert_allclose(
            100 * np.array(values), expected[f'half_top{k}'], rtol=1e-5
        )


def test_each_votes():
    """A frame that is sure of one class counts as much as one of another."""
    similarity = np.array([[[100.0, 0, 0], [0, 1, 0], [0, 1, 0]]])  # [1, 3, 3]
    rest = 1 / (np.e + 2)
    np.testing.assert_allclose(
        votes(similarity)[0], [(1 + 2 * rest) / 3, 2 * np.e * rest / 3, 2 * rest / 3]
    )


def test_half_is_rounded_down_and_seeded():
    splits = [tuple(half_of_classes(21, seed)) for seed in range(10)]
    assert all(len(set(s)) == 10 for s in splits) and len(set(splits)) == 10
    assert splits[3] == tuple(half_of_classes(21, 3))


def test_split_without_videos():
    with pytest.raises(ValueError, match='no video is of the classes'):
        half_classes(np.zeros((1, 2, 40)), np.array([0]))
    # What can be computed is.
    assert protocol(np.zeros((1, 2, 40)), np.array([0])).keys() == {
        'full_top1',
        'full_top5',
    }
