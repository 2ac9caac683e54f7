"""A test names what it could not read, and what it was measured on."""
import hashlib
import json
import os.path as osp
import re

import pytest
import torch
from helpers import shrink
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.runner import Runner

from bike_mmaction.compat import PipelineError
from bike_mmaction.datasets.pipelines import set_views
from bike_mmaction.evaluation.results import (average, latex_table,
                                              list_fingerprint, markdown_table)

ROOT = osp.join(osp.dirname(osp.abspath(__file__)), '..', '..')
NAMES = [f'v{i}.mp4 {i * 7 % 400}' for i in range(5)]


def config(data_root, work_dir, lines):
    cfg = shrink(
        Config.fromfile(osp.join(ROOT, 'configs/bike_vitb32_k400.py')),
        data_root, work_dir)
    path = osp.join(work_dir, 'list.txt')
    with open(path, 'w') as file:
        file.write('\n'.join(lines) + '\n')
    cfg.test_dataloader.dataset.ann_file = path
    return cfg


def run(cfg):
    """Metrics, and what was written."""
    torch.manual_seed(0)  # the same random weights in each test
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()
    with open(osp.join(runner.log_dir, 'results.json')) as file:
        return metrics, json.load(file), runner


@pytest.fixture
def broken(data_root, tmp_path):
    """A video cut in two."""
    with open(f'{data_root}/videos_val/v0.mp4', 'rb') as file:
        content = file.read()
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content[:len(content) // 2])
    return str(path)


def test_unreadable_videos_do_not_count(data_root, tmp_path, broken):
    for folder in ('clean', 'all'):
        (tmp_path / folder).mkdir()
    expected, clean, _ = run(config(data_root, tmp_path / 'clean', NAMES))
    lines = ['gone.mp4 3', *NAMES[:2], f'{broken} 7', *NAMES[2:]]
    metrics, results, _ = run(config(data_root, tmp_path / 'all', lines))
    for name, value in clean['metrics'].items():
        assert results['metrics'][name] == value == expected[name]
    assert clean['videos'] == dict(evaluated=5, missing=0, undecodable=0)
    assert results['videos'] == dict(evaluated=5, missing=1, undecodable=1)
    assert metrics['videos/missing'] == 1
    assert results['list']['videos'] == 7
    gone, half = results['unreadable']
    assert re.search("gone.mp4': no such file", gone)
    assert re.search("broken.mp4': truncated or no video", half)


def test_what_was_measured(data_root, tmp_path):
    cfg = config(data_root, tmp_path, NAMES)
    set_views(cfg, '2x3')
    model = Runner.from_cfg(cfg).model
    cfg.load_from = str(tmp_path / 'model.pth')
    torch.save(dict(state_dict=model.state_dict()), cfg.load_from)
    metrics, results, runner = run(cfg)
    assert results['views'] == '2x3'
    with open(cfg.load_from, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert results['checkpoint'] == dict(file=cfg.load_from, sha256=digest)
    assert results['list'] == dict(
        file=cfg.test_dataloader.dataset.ann_file,
        videos=5,
        fingerprint=list_fingerprint(runner.test_dataloader.dataset))
    with open(osp.join(runner.log_dir, 'results.md')) as file:
        head, _, row = file.read().splitlines()
    assert head == '| model | views | acc/top1 | acc/top5 | acc/mean1 |'
    top1 = f'{100 * metrics["acc/top1"]:.2f}'
    assert row.startswith(f'| bike_vitb32_k400 | 2x3 | {top1} |')
    with open(osp.join(runner.log_dir, f'{runner.timestamp}.log')) as file:
        assert results['list']['fingerprint'] in file.read()


def test_nothing_to_evaluate(data_root, tmp_path):
    with pytest.raises(RuntimeError, match='none of 1 videos.*gone.mp4'):
        run(config(data_root, tmp_path, ['gone.mp4 3']))


def test_fault_of_the_config_is_an_error(data_root, tmp_path):
    """Only videos may be unreadable."""
    cfg = config(data_root, tmp_path, NAMES)
    crop, = [
        t for t in cfg.test_dataloader.dataset.pipeline
        if t.type == 'CenterCrop'
    ]
    crop.type, crop.crop_size = 'SpacedThreeCrop', 5000
    with pytest.raises(PipelineError, match='smaller than the crop'):
        run(cfg)


def test_metric_with_another_number_of_results(data_root, tmp_path):
    from mmaction.registry import METRICS

    @METRICS.register_module(force=True)
    class BatchMetric(BaseMetric):

        def process(self, data_batch, data_samples):
            self.results.append(len(data_samples))

        def compute_metrics(self, results):
            return dict(batches=len(results))

    cfg = config(data_root, tmp_path, [*NAMES, 'gone.mp4 1', *NAMES])
    cfg.test_dataloader.batch_size = 3
    cfg.test_evaluator = dict(type='BatchMetric')
    with pytest.raises(TypeError, match='BatchMetric.*gone.mp4'):
        run(cfg)


def fingerprint(path, lines, prefix='', **kwargs):
    path.write_text('\n'.join(lines) + '\n')
    kwargs.setdefault('type', 'VideoDataset')
    return list_fingerprint(
        DATASETS.build(
            dict(
                ann_file=str(path),
                data_prefix=dict(video=prefix),
                pipeline=[],
                **kwargs)))


def test_fingerprint(tmp_path):
    """Videos and labels count; order and folder do not."""
    path, lines = tmp_path / 'a.txt', ['a/x.mp4 0', 'b/y.mp4 1']
    expected = fingerprint(path, lines)
    assert re.fullmatch('[0-9a-f]{12}', expected)
    assert fingerprint(tmp_path / 'b.txt', lines[::-1], 'videos') == expected
    others = [['a/x.mp4 0'], ['a/x.mp4 1', 'b/y.mp4 1'],
              ['a/z.mp4 0', 'b/y.mp4 1'], [*lines, 'b/y.mp4 1']]
    found = {fingerprint(path, other) for other in others}
    multi = dict(multi_class=True, num_classes=3)
    found |= {
        fingerprint(path, ['a.mp4 0 1'], **multi),
        fingerprint(path, ['a.mp4 0 2'], **multi)
    }
    for end in ('1.00', '2.00'):
        found.add(
            fingerprint(
                path, [f'a.mp4 0.00 {end} 0'], type='VideoSegmentDataset'))
    assert len(found | {expected}) == 9


def test_tables():
    runs = [{'acc/top1': 0.7014}, {'acc/top1': 0.6831}, {'acc/top1': 0.6715}]
    rows = [('one_a', '4x3', runs[0]), ('mean', None, average(runs))]
    assert markdown_table(rows).splitlines()[2:] == [
        '| one_a | 4x3 | 70.14 |', '| mean |  | 68.53 ± 1.23 |'
    ]
    assert r'one\_a & 4x3 & 70.14 \\' in latex_table(rows)
    assert r'mean &  & 68.53 $\pm$ 1.23 \\' in latex_table(rows)
