"""Curves: each point is measured with the sizes that it is named after."""

import json

import pytest
import torch

from bike_mmaction.benchmarks import head, ranks, scaling
from bike_mmaction.benchmarks.head import Sizes
from bike_mmaction.benchmarks.measuring import Report
from tests.kit.configs import load_tiny
from tests.kit.models import CLASSES


def figures(path):
    return json.loads(path.read_text())['figures']


def test_head(tmp_path, monkeypatch):
    """Fifteen points; the memory of each is that of its own sizes."""

    def peaks(requests, device):
        return [
            n * k * t + len(name) + 100 * back
            for name, (n, k, _, t, _), back in requests
        ]

    monkeypatch.setattr(scaling, 'peaks', peaks)
    sizes, out = Sizes(4, 8, 3, 4, 8), tmp_path / 'out.json'
    report, cpu = Report('scaling', str(out)), torch.device('cpu')
    scaling.benchmark_head_sizes(sizes, report, 1, cpu)
    rows = figures(out)
    assert [(row['axis'][0], row['at']) for row in rows] == [
        *(('b', n) for n in (1, 2, 4, 8, 16)),
        *(('K', k) for k in (2, 4, 8, 16, 32)),
        *(('T', t) for t in (1, 2, 4, 8, 16)),
    ]
    for row in rows:
        share = row['at'] / dict(b=4, K=8, T=4)[row['axis'][0]]
        memory = row['memory of definition, with gradient']['median']
        assert memory == share * 4 * 8 * 4 + len('naive') + 100
        assert row['BIKE, forward']['low'] > 0


def test_memory_of_processes(monkeypatch):
    """What is freed is given back there, and this process stays as it is."""
    monkeypatch.setenv(head._THRESHOLD, '7')
    with head._memory_given_back():
        assert head.os.environ[head._THRESHOLD] == '65536'
    assert head.os.environ[head._THRESHOLD] == '7'


def test_ranks(tmp_path, monkeypatch):
    """A rank trains the model within DDP, and tells its times."""
    seen = []

    def spawn(train, args, nprocs):
        model = ranks.make_step
        monkeypatch.setattr(
            ranks, 'make_step', lambda *args: seen.append(args[0]) or model(*args)
        )
        train(0, *args)

    monkeypatch.setattr(ranks.mp, 'spawn', spawn)
    config, out = load_tiny('bike_vitb32_k400', CLASSES), tmp_path / 'out.json'
    options = dict(videos=2, precision='fp32', device='cpu')
    ranks.benchmark_ranks(config, [1], Report('', str(out)), 2, **options)
    (row,) = figures(out)
    assert (row['axis'], row['at'], row['ratio_of_time']) == ('ranks', 1, 1)
    rate, step = row['videos_of_all_ranks'], row['a_step']
    assert rate['unit'] == 'videos/s' and step['unit'] == 'ms'
    assert type(seen[0]).__name__ == 'MMDistributedDataParallel'
    assert not ranks.dist.is_initialized()
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    with pytest.raises(ValueError, match='2 ranks need as many GPUs, here are 1'):
        ranks.benchmark_ranks(config, [2], Report(''), 1, videos=2, device='cuda')
