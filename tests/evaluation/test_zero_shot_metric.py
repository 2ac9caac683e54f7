import json
import os.path as osp

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import METRICS, MODELS
from mmaction.structures import ActionDataSample
from scipy.special import softmax

from bike_mmaction.evaluation.zero_shot import votes
from bike_mmaction.models.clip.text_encoder import TextEmbeddings
from tests.kit import ROOT
from tests.kit.models import vcs_head

REFERENCE, GOLDEN = (osp.join(ROOT, 'tests', name) for name in ('reference', 'golden'))


def test_golden_scores_through_the_metric():
    given = np.load(osp.join(GOLDEN, 'zeroshot.npz'))
    scores = (
        torch.from_numpy(given['frame_features'].astype(np.float32))
        @ torch.from_numpy(given['text_features']).T
    )
    metric = METRICS.build(dict(type='ZeroShotMetric', evaluator='frames'))
    for frames, label in zip(scores, given['labels']):
        metric.process(
            None, [dict(frame_scores=frames, gt_label=torch.tensor([int(label)]))]
        )
    actual = metric.evaluate(len(scores))
    with open(osp.join(GOLDEN, 'zeroshot.json')) as file:
        expected = json.load(file)
    for name in ('full_top1', 'full_top5', 'half_top1_mean', 'half_top1_std'):
        assert 100 * actual[f'zero_shot_frames/{name}'] == pytest.approx(
            expected[name], rel=1e-5
        )


def build_head(**kwargs):
    return MODELS.build(vcs_head(['a', 'b', 'c'], **kwargs)).eval()


def test_head_keeps_the_scores_of_frames_and_views():
    head = build_head(keep_scores=True)
    frames = torch.randn(4, 8, 64)  # two videos of two views
    samples = head.predict(frames, [ActionDataSample() for _ in '12'])
    classes = head.text_encoder(head.prompts(), with_words=False).sentence
    expected = frames @ F.normalize(classes, dim=-1).T
    views = head(frames).view(2, 2, 3)
    for sample, scores, view in zip(samples, expected.view(2, 16, 3), views):
        torch.testing.assert_close(sample.frame_scores, scores)
        torch.testing.assert_close(sample.view_scores.float(), view)
    plain = build_head().predict(frames, [ActionDataSample() for _ in '12'])
    assert not {'frame_scores', 'view_scores'} & set(plain[0].keys())


class GivenText(nn.Module):
    """A text encoder that always says the same."""

    embed_dims = 16
    pretrained_logit_scale = None

    def __init__(self, sentence):
        super().__init__()
        self.actual = TextEmbeddings(sentence, None)

    def forward(self, texts, words):
        return self.actual


def test_frames_vote_with_embeddings_of_their_own_length():
    """As the authors' code computes it, from the head to the metric."""
    given = np.load(osp.join(REFERENCE, 'frames.npz'))
    frames, text, expected = (
        torch.from_numpy(given[f'frames_{name}'])
        for name in ('features', 'text', 'scores')
    )
    head = MODELS.build(
        dict(
            type='VCSHead',
            num_classes=10,
            in_channels=16,
            class_names=list('abcdefghij'),
            text_encoder=GivenText(3 * text),  # the head makes it unit length
            saliency_source='class',
            keep_scores=True,
        )
    )
    samples = head.predict(frames, [ActionDataSample() for _ in frames])
    metric = METRICS.build(dict(type='ZeroShotMetric', evaluator='frames'))
    for sample in samples:
        metric.process(None, [sample.set_gt_label(0).to_dict()])
    scores = np.stack([scores for scores, _ in metric.results])
    np.testing.assert_allclose(votes(100 * scores), expected, atol=1e-5)
    # Brought to unit length they would vote otherwise.
    unit = scores / frames.norm(dim=-1, keepdim=True).numpy()
    assert abs(votes(100 * unit) - expected.numpy()).max() > 0.05


def test_video_evaluator_ranks_as_every_other_test():
    """Over all classes its accuracy is that of MMAction2's metric."""
    torch.manual_seed(1)
    head = build_head(keep_scores=True)
    samples = head.predict(
        torch.randn(80, 4, 64), [ActionDataSample() for _ in range(40)]
    )
    metrics = [
        METRICS.build(dict(type='ZeroShotMetric', evaluator='video')),
        METRICS.build(
            dict(
                type='AccMetric', metric_options=dict(top_k_accuracy=dict(topk=(1, 2)))
            )
        ),
    ]
    metrics[0].topk = (1, 2)
    for i, sample in enumerate(samples):
        sample.set_gt_label(i % 3)
        for metric in metrics:
            metric.process(None, [sample.to_dict()])
    actual, expected = (metric.evaluate(40) for metric in metrics)
    for k in (1, 2):
        assert actual[f'zero_shot_video/full_top{k}'] == expected[f'acc/top{k}']
    # Of three classes a half is one.
    assert actual['zero_shot_video/half_top1_mean'] == 1


def test_classes_of_a_half_compete_alone():
    """A class outside of the half cannot win."""
    labels = np.arange(40) % 4
    scores = np.random.RandomState(0).rand(40, 2, 4)
    metric = METRICS.build(dict(type='ZeroShotMetric', evaluator='video'))
    metric.topk = (1,)
    for score, label in zip(scores, labels):
        metric.process(
            None,
            [
                dict(
                    view_scores=torch.from_numpy(score),
                    gt_label=torch.tensor([int(label)]),
                )
            ],
        )
    values = []
    for seed in range(10):
        half = np.sort(np.random.RandomState(seed).permutation(4)[:2])
        kept = np.isin(labels, half)
        votes = softmax(scores[kept][..., half], -1).mean(1)
        values.append((half[votes.argmax(-1)] == labels[kept]).mean())
    actual = metric.evaluate(40)
    assert actual['zero_shot_video/half_top1_mean'] == pytest.approx(np.mean(values))
    assert actual['zero_shot_video/half_top1_std'] == pytest.approx(np.std(values))


def test_too_few_classes_for_halves():
    metric = METRICS.build(dict(type='ZeroShotMetric', evaluator='video'))
    metric.topk = (1,)
    metric.process(
        None, [dict(view_scores=torch.eye(9)[:1], gt_label=torch.tensor([0]))]
    )
    assert metric.evaluate(1) == {'zero_shot_video/full_top1': 1}


def test_scores_that_nobody_kept():
    metric = METRICS.build(dict(type='ZeroShotMetric', evaluator='frames'))
    with pytest.raises(ValueError, match='frame_scores.*keep_scores=True'):
        metric.process(None, [dict(gt_label=torch.tensor([0]))])
    for label in (torch.ones(3), torch.tensor([-1])):
        with pytest.raises(ValueError, match='one label'):
            metric.process(None, [dict(frame_scores=torch.zeros(2, 3), gt_label=label)])
    with pytest.raises(ValueError, match="evaluator='clips'"):
        METRICS.build(dict(type='ZeroShotMetric', evaluator='clips'))
