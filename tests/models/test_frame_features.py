"""Features of any backbone become one vector a frame."""

import pytest
import torch

from bike_mmaction.models.frame_features import to_frames


def test_features_of_every_shape_of_mmaction2():
    for shape, num_segs, expected in (
        ((2, 4, 6), None, (2, 4, 6)),
        ((2, 6, 4, 3, 3), None, (2, 4, 6)),
        ((8, 6, 3, 3), 4, (2, 4, 6)),
        ((8, 6), 4, (2, 4, 6)),
        ((2, 6), None, (2, 1, 6)),
    ):
        assert to_frames(torch.randn(shape), num_segs).shape == expected, shape


def test_frames_keep_their_order():
    clip = torch.randn(2, 6, 4, 3, 3)  # [N, C, T, H, W]
    folded = clip.transpose(1, 2).flatten(0, 1)  # [N·T, C, H, W]
    torch.testing.assert_close(to_frames(clip), to_frames(folded, 4))


def test_last_stage_and_map_beside_class_token():
    clip, token = torch.randn(2, 5, 4, 3, 3), torch.randn(2, 5)
    for features in (
        [torch.randn(2, 3, 8, 6, 6), clip],
        (clip,),
        ((clip, token),),
        [(clip, token), [clip, token]],
    ):
        torch.testing.assert_close(to_frames(features), to_frames(clip))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match='got \\(6,\\)'):
        to_frames(torch.randn(6))
