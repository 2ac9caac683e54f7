"""The video branch with its classes as constants."""

import pytest
import torch

from bike_mmaction.apis import export
from bike_mmaction.recipes import set_views
from tests.kit.exports import build, small_config


@pytest.mark.parametrize(
    'changes',
    [
        dict(to_rgb=True),
        dict(_delete_=True, type='ActionDataPreprocessor', format_shape='NCTHW'),
    ],
)
def test_preprocessors(changes):
    """What the recognizer takes is what the exported model takes."""
    cfg = small_config()
    cfg.merge_from_dict(dict(model=dict(data_preprocessor=changes)))
    branch, metadata = export.video_branch(build(cfg))
    clips = branch.random_frames(3)
    with torch.no_grad():
        outputs = branch(clips)
    for name, expected in branch.recognize(clips).items():
        torch.testing.assert_close(outputs[name], expected, atol=1e-5, rtol=0)
    assert ('BGR' in metadata['input']) == ('to_rgb' in changes)
    flipped = branch.recognize(clips.flip(1))['scores']
    assert (outputs['scores'] - flipped).abs().max() > 1e-3


def test_one_view_of_several():
    cfg = small_config()
    set_views(cfg, '2x3')
    branch, metadata = export.video_branch(
        build(small_config()), cfg.test_dataloader.dataset.pipeline
    )
    assert branch.shape == (3, 4, 32, 32)
    assert 'SpacedThreeCrop' in metadata['pipeline']


def test_attributes_are_left_out(tmp_path):
    model = build(small_config('bike_vitb32_plugplay_k400'))
    assert model.attributes_head is not None
    with pytest.warns(UserWarning, match='only the video branch'):
        branch, metadata = export.video_branch(model)
    assert not any('attributes' in key for key in branch.state_dict())
    assert 'LoadAttributes' not in metadata['pipeline']
