"""mAP is that of scikit-learn, on any number of processes."""

import json

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmaction.registry import METRICS
from sklearn.metrics import average_precision_score

from tests.kit.checks import collected
from tests.kit.tools import free_port

CASES = ('plain', 'ties', 'absent classes', 'one video a class', 'videos without label')


def draw(case, num_videos=41, num_classes=13):
    """Scores [N, K] and labels [N, K] of zeros and ones."""
    rng = np.random.RandomState(CASES.index(case))
    scores = rng.rand(num_videos, num_classes)
    labels = (rng.rand(num_videos, num_classes) < 0.2).astype(int)
    labels[0] = 1  # no class is absent by chance
    if case == 'ties':
        scores = np.round(scores, 1)
    if case == 'absent classes':
        labels[:, [0, 5, 12]] = 0
    if case == 'videos without label':
        labels[5:20] = 0
    if case == 'one video a class':
        labels[:] = 0
        labels[rng.permutation(num_videos)[:num_classes], np.arange(num_classes)] = 1
    return scores, labels


def expected_map(scores, labels):
    return np.mean(
        [
            average_precision_score(labels[:, k], scores[:, k])
            for k in range(labels.shape[1])
            if labels[:, k].any()
        ]
    )


def evaluate(scores, labels, size):
    metric = METRICS.build(dict(type='MeanAPMetric'))
    for score, label in zip(scores, labels):
        metric.process(
            None,
            [
                dict(
                    pred_score=torch.from_numpy(score),
                    gt_label=torch.from_numpy(np.atleast_1d(label)),
                )
            ],
        )
    return metric.evaluate(size)['acc/mAP']


def test_equals_scikit_learn():
    with collected() as check:
        for case in CASES:
            with check(case):
                scores, labels = draw(case)
                assert evaluate(scores, labels, len(scores)) == pytest.approx(
                    expected_map(scores, labels), abs=1e-12
                )


def test_single_labels():
    rng = np.random.RandomState(7)
    scores, labels = rng.rand(60, 5), rng.randint(0, 4, 60)
    assert evaluate(scores, labels, 60) == pytest.approx(
        expected_map(scores, np.eye(5, dtype=int)[labels]), abs=1e-12
    )


def test_nothing_to_average():
    with pytest.raises(ValueError, match='none of 3 videos has a label'):
        evaluate(np.random.rand(3, 4), np.zeros((3, 4), dtype=int), 3)


def run_rank(rank, world, port, out):
    from mmaction.utils import register_all_modules

    import bike_mmaction  # noqa: F401

    register_all_modules()
    dist.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=world
    )
    values = {}
    for case in CASES:
        scores, labels = draw(case)
        # As MMAction2's sampler: in turns, the first ones again at the end.
        size = len(scores)
        own = np.arange(-(-size // world) * world)[rank::world] % size
        values[case] = evaluate(scores[own], labels[own], size)
    if rank == 0:
        with open(out, 'w') as file:
            json.dump(values, file)
    dist.barrier()
    dist.destroy_process_group()


def test_two_ranks_equal_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # mmengine leaves a folder here
    out = str(tmp_path / 'map.json')
    mp.spawn(run_rank, args=(2, free_port(), out), nprocs=2)
    with open(out) as file:
        values = json.load(file)
    for case in CASES:
        scores, labels = draw(case)
        assert values[case] == evaluate(scores, labels, len(scores))
