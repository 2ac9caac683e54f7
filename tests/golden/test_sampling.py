"""Test-time frame indices are those of the released code."""

import json
import os.path as osp

import pytest
from mmaction.registry import TRANSFORMS

with open(osp.join(osp.dirname(__file__), 'sampling.json')) as file:
    CASES = json.load(file)


@pytest.mark.parametrize(
    'case',
    CASES,
    ids=lambda case: '{}-{}-{}'.format(
        case['total_frames'], case['num_frames'], case.get('clips', 'val')
    ),
)
def test_indices(case):
    total, clip_len = case['total_frames'], case['num_frames']
    sample = TRANSFORMS.build(
        dict(
            type='SparseSampleFrames',
            clip_len=clip_len,
            num_clips=case.get('clips', 1),
            test_mode=True,
        )
    )
    results = sample(dict(total_frames=total, start_index=0))
    assert results['frame_inds'].tolist() == case['index']
