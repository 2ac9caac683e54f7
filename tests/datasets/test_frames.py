"""Frames are sampled as the authors sample them, and in further ways."""

import os.path as osp

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from bike_mmaction.datasets.transforms import random_in_segments
from tests.kit import ROOT
from tests.kit.checks import collected

FACTS = np.load(osp.join(ROOT, 'tests', 'reference', 'transforms.npz'))


def build(**kwargs):
    return TRANSFORMS.build(kwargs)


def sample(total_frames, start_index=0, **kwargs):
    """Indices [num_clips, clip_len] of a video."""
    indices = build(**kwargs)(dict(total_frames=total_frames, start_index=start_index))
    return indices['frame_inds'].reshape(indices['num_clips'], indices['clip_len'])


def test_frames_of_a_test_are_those_of_the_authors():
    with collected() as check:
        for name in [k for k in FACTS if k.startswith('test_indices')]:
            with check(name):
                total, clip_len, clips = map(int, name.split('_')[2:])
                indices = sample(
                    total,
                    type='SparseSampleFrames',
                    clip_len=clip_len,
                    num_clips=clips,
                    test_mode=True,
                )
                assert indices.shape == (clips, clip_len)
                assert indices.ravel().tolist() == FACTS[name].tolist()


def test_frames_of_training_are_those_of_the_authors():
    with collected() as check:
        for name in [k for k in FACTS if k.startswith('train_bounds')]:
            with check(name):
                np.random.seed(0)
                total, clip_len = map(int, name.split('_')[2:])
                drawn = random_in_segments(total, clip_len, 2000)
                assert [sorted(set(column)) for column in drawn.T] == [
                    list(range(a, b + 1)) for a, b in FACTS[name]
                ]


class TestRandomInSegments:
    def test_clips_are_drawn_apart(self):
        np.random.seed(0)
        clips = random_in_segments(300, 8, 2)
        assert clips.shape == (2, 8) and (clips[0] != clips[1]).any()

    @pytest.mark.parametrize('total', [1, 3, 7, 40])
    def test_frames_stay_in_range_and_order(self, total):
        clips = random_in_segments(total, 8, 50)
        assert clips.min() >= 0 and clips.max() < total
        assert (np.diff(clips, axis=1) >= 0).all()


class TestSparseSampleFrames:
    def test_extracted_frames_start_at_one(self):
        indices = sample(
            8, start_index=1, type='SparseSampleFrames', clip_len=4, test_mode=True
        )
        assert indices.tolist() == [[1, 3, 5, 7]]

    def test_training_is_random(self):
        np.random.seed(0)
        drawn = {
            tuple(sample(300, type='SparseSampleFrames', clip_len=8)[0])
            for _ in range(5)
        }
        assert len(drawn) == 5


class TestDenseClipSampleFrames:
    def test_starts_are_spread_over_the_video(self):
        indices = sample(
            300, type='DenseClipSampleFrames', clip_len=8, num_clips=10, test_mode=True
        )
        starts = [0, 26, 52, 78, 104, 131, 157, 183, 209, 236]
        assert indices[:, 0].tolist() == starts
        assert (np.diff(indices, axis=1) == 8).all()

    def test_short_video_begins_anew(self):
        indices = sample(
            20,
            start_index=1,
            type='DenseClipSampleFrames',
            clip_len=8,
            num_clips=2,
            test_mode=True,
        )
        assert indices.tolist() == [[1, 9, 17, 5, 13, 1, 9, 17]] * 2

    def test_training_draws_a_start(self):
        np.random.seed(0)
        indices = np.stack(
            [
                sample(80, type='DenseClipSampleFrames', clip_len=16, num_clips=2)
                for _ in range(200)
            ]
        )
        assert (np.diff(indices, axis=2) == 4).all()
        assert sorted(set(indices[..., 0].ravel())) == list(range(16))
        assert (indices[:, 0] != indices[:, 1]).any()

    def test_range_of_the_authors(self):
        indices = sample(
            300,
            type='DenseClipSampleFrames',
            clip_len=16,
            sample_range=128,
            test_mode=True,
        )
        assert indices.tolist() == [list(range(0, 128, 8))]

    def test_clip_longer_than_its_range(self):
        with pytest.raises(ValueError, match='sample_range=64.*clip_len=65'):
            build(type='DenseClipSampleFrames', clip_len=65)


@pytest.mark.parametrize('name', ['SparseSampleFrames', 'DenseClipSampleFrames'])
class TestImpossible:
    def test_video_without_frames(self, name):
        with pytest.raises(ValueError, match='0 frames'):
            sample(0, type=name, clip_len=8)

    @pytest.mark.parametrize(
        'kwargs', [dict(clip_len=0), dict(clip_len=8, num_clips=0)]
    )
    def test_numbers(self, name, kwargs):
        with pytest.raises(ValueError, match='must be positive'):
            build(type=name, **kwargs)
