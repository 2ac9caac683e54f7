import json
import os.path as osp

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import TINY_ARCH
from mmaction.registry import METRICS, MODELS
from mmaction.structures import ActionDataSample

GOLDEN = osp.join(osp.dirname(__file__), '..', 'golden')


def test_golden_scores_through_the_metric():
    given = np.load(osp.join(GOLDEN, 'zeroshot.npz'))
    scores = torch.from_numpy(given['frame_features'].astype(
        np.float32)) @ torch.from_numpy(given['text_features']).T
    metric = METRICS.build(dict(type='ZeroShotMetric'))
    for frames, label in zip(scores, given['labels']):
        metric.process(
            None,
            [dict(frame_scores=frames, gt_label=torch.tensor([int(label)]))])
    found = metric.evaluate(len(scores))
    with open(osp.join(GOLDEN, 'zeroshot.json')) as file:
        expected = json.load(file)
    for name in ('full_top1', 'full_top5', 'half_top1_mean', 'half_top1_std'):
        assert 100 * found[f'zero_shot/{name}'] == pytest.approx(
            expected[name], rel=1e-5)


def build_head(**kwargs):
    return MODELS.build(
        dict(
            type='VCSHead',
            num_classes=3,
            in_channels=64,
            class_names=['a', 'b', 'c'],
            text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
            **kwargs)).eval()


def test_head_keeps_the_cosines_of_frames():
    head = build_head(keep_frame_scores=True)
    frames = torch.randn(4, 8, 64)  # two videos of two views
    samples = head.predict(frames, [ActionDataSample() for _ in '12'])
    classes = head.text_encoder(head.prompts(), words=False).sentence
    expected = F.normalize(frames, dim=-1) @ F.normalize(classes, dim=-1).T
    for sample, cosines in zip(samples, expected.view(2, 16, 3)):
        torch.testing.assert_close(sample.frame_scores, cosines)
    plain = build_head().predict(frames, [ActionDataSample() for _ in '12'])
    assert 'frame_scores' not in plain[0]


def test_scores_that_nobody_kept():
    metric = METRICS.build(dict(type='ZeroShotMetric'))
    with pytest.raises(ValueError, match='keep_frame_scores=True'):
        metric.process(None, [dict(gt_label=torch.tensor([0]))])
    with pytest.raises(ValueError, match='one label'):
        metric.process(
            None,
            [dict(frame_scores=torch.zeros(2, 3), gt_label=torch.ones(3))])
