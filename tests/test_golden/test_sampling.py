"""Test-time frame indices are those of the released code."""
import json
import os.path as osp

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

with open(osp.join(osp.dirname(__file__), '..', 'golden',
                   'sampling.json')) as file:
    CASES = json.load(file)


@pytest.mark.parametrize(
    'case',
    CASES,
    ids=lambda case: '{}-{}-{}'.format(case['total_frames'], case[
        'num_frames'], case.get('clips', 'val')))
def test_indices(case):
    total, clip_len = case['total_frames'], case['num_frames']
    sample = TRANSFORMS.build(
        dict(
            type='SparseSampleFrames',
            clip_len=clip_len,
            num_clips=case.get('clips', 1),
            test_mode=True))
    results = sample(dict(total_frames=total, start_index=0))
    if total >= clip_len:
        assert results['frame_inds'].tolist() == case['index']
        return
    # Shorter than a clip: in range and in order.
    clips = results['frame_inds'].reshape(-1, clip_len)
    assert clips.min() >= 0 and clips.max() < total
    assert (np.diff(clips, axis=1) >= 0).all()
