"""Without a remedy, its tests here fail.

That of the inferencer's drawing is tested where MMAction2's tools run.
"""

import os

import cv2
import numpy as np
import pytest
import torch
from mmaction.engine.hooks import VisualizationHook
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.visualization import ActionVisualizer


class TestFeatures:
    @pytest.mark.parametrize(
        'temporal_type, expected',
        [('avg', lambda x: x.mean(1)), (None, lambda x: x.transpose(1, 2))],
    )
    def test_of_frames(self, temporal_type, expected):
        head = MODELS.build(
            dict(type='FeatureHead', temporal_type=temporal_type, average_clips='score')
        )
        feats = torch.randn(2, 5, 4)
        features = head.predict(feats, [ActionDataSample() for _ in feats])
        torch.testing.assert_close(features, expected(feats))

    def test_of_others_are_as_before(self):
        head = MODELS.build(dict(type='FeatureHead', average_clips='score'))
        feats = torch.randn(2, 4, 3, 2, 2)
        torch.testing.assert_close(head(feats), feats.mean((2, 3, 4)))


@pytest.fixture
def visualizer(tmp_path):
    return ActionVisualizer.get_instance(  # hooks look for it
        tmp_path.name,
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path),
    )


@pytest.fixture
def frames():
    """Four of 96 x 128 pixels, reddish."""
    return np.full((4, 96, 128, 3), (200, 90, 30), np.uint8)


def sample_of(gt=None, pred=None):
    sample = ActionDataSample()
    if gt is not None:
        sample.set_gt_label(gt)
    if pred is not None:
        sample.set_pred_label(pred).set_pred_score(torch.eye(3)[pred])
    return sample


def test_labels_are_in_the_picture(visualizer, frames):
    samples = [
        sample_of(),
        sample_of(gt=1),
        sample_of(gt=2),
        sample_of(gt=torch.tensor([0.0, 1.0, 1.0])),  # two classes
        sample_of(pred=1),
        sample_of(pred=2),
        sample_of(gt=1, pred=1),
    ]
    drawn = [visualizer.add_datasample('a', frames, s)[0].tobytes() for s in samples]
    assert len(set(drawn)) == len(drawn)
    assert 'pred_labels' not in samples[-1]  # the sample itself is kept


def test_options_by_position(visualizer, frames):
    """Up to ``show_frames``, which the hook calls ``show``."""
    options = (False, False, False, None, False)
    drawn = visualizer.add_datasample('a', frames, sample_of(gt=1), *options)
    assert (drawn == visualizer.add_datasample('a', frames)).all()


@pytest.mark.parametrize(
    'form',
    [
        lambda video: video.permute(3, 0, 1, 2).expand(6, 3, 4, 96, 128),
        lambda video: video.permute(0, 3, 1, 2),
        lambda video: video.permute(3, 0, 1, 2),  # which MMAction2 wants
    ],
)
def test_hook_draws_views(visualizer, frames, tmp_path, form):
    hook = VisualizationHook(True, 1, out_dir=str(tmp_path), wait_time=1)
    sample = sample_of(gt=1)
    sample.set_metainfo(dict(filename='b/c.mp4'))
    batch = dict(inputs=[form(torch.as_tensor(frames))])
    hook.after_test_iter(None, 0, batch, [sample])
    assert len(os.listdir(tmp_path / 'c.mp4_0' / 'frames_0')) == 4
    image = cv2.imread(str(tmp_path / 'c.mp4_0' / 'frames_0' / '3.png'))
    assert (image[-20:] == (30, 90, 200)).all()


def test_hook_that_is_off_looks_at_nothing(visualizer):
    VisualizationHook().after_test_iter(None, 0, dict(inputs=[None]), [])


def test_pictures_of_a_file_keep_their_colors(visualizer, frames, tmp_path):
    """A folder of images is read like a file."""
    os.mkdir(tmp_path / 'red')
    cv2.imwrite(str(tmp_path / 'red' / '0.png'), frames[0][..., ::-1])
    visualizer.add_datasample(
        'b', str(tmp_path / 'red'), out_path=str(tmp_path / 'out')
    )
    image = cv2.imread(str(tmp_path / 'out' / 'frames_0' / '0.png'))
    assert (image[-20:] == (30, 90, 200)).all()
