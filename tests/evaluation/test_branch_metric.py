import pytest
import torch
from mmaction.registry import METRICS


def samples():
    """The branches disagree; the last video has no attributes."""
    scores = torch.eye(3)
    rows = [  # label, video, attributes
        (0, 0, 1),
        (1, 0, 1),
        (2, 2, 0),
        (1, 0, None),
    ]
    metrics = []
    for label, video, attributes in rows:
        sample = dict(
            gt_label=torch.tensor([label]),
            pred_score=scores[2],
            video_score=scores[video],
        )
        if attributes is not None:
            sample['attributes_score'] = scores[attributes]
        metrics.append(sample)
    return metrics


def evaluate(**kwargs):
    metric = METRICS.build(dict(type='BranchMetric', **kwargs))
    metric.process(None, samples()[:3])
    metric.process(None, samples()[3:])
    return metric.evaluate(4)


def test_video_branch():
    metrics = evaluate(branch='video')
    assert metrics['video/top1'] == 2 / 4
    assert 'video/coverage' not in metrics


def test_attributes_branch_counts_where_there_are_attributes():
    metrics = evaluate(branch='attributes')
    assert metrics['attributes/top1'] == pytest.approx(1 / 3)
    assert metrics['attributes/coverage'] == 3 / 4


def test_arguments_of_mmaction2():
    metrics = evaluate(
        branch='video',
        metric_list='top_k_accuracy',
        metric_options=dict(top_k_accuracy=dict(topk=(1, 2))),
        prefix='V',
    )
    assert set(metrics) == {'V/top1', 'V/top2'}


def test_no_scores():
    metric = METRICS.build(dict(type='BranchMetric', branch='attributes'))
    metric.process(None, samples()[3:])
    with pytest.raises(ValueError, match="no sample has a 'attributes_score"):
        metric.evaluate(1)


def test_unknown_branch():
    with pytest.raises(ValueError, match="branch='audio'"):
        METRICS.build(dict(type='BranchMetric', branch='audio'))
