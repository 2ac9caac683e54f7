"""A test names what it could not read, and what it was measured on."""

import hashlib
import json
import os.path as osp
import re
import shutil

import mmengine
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.evaluator import BaseMetric
from mmengine.runner import Runner
from sklearn.metrics import average_precision_score

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.errors import PipelineError
from bike_mmaction.evaluation.results import (
    average,
    latex_table,
    list_fingerprint,
    markdown_table,
)
from bike_mmaction.recipes import set_views, use_rawframes
from tests.kit.bad_videos import write_bad
from tests.kit.configs import load_config, shrink

NAMES = [f'v{i}.mp4 {i * 7 % 400}' for i in range(5)]


def config(data_root, work_dir, lines):
    cfg = shrink(load_config('bike_vitb32_k400'), data_root, work_dir)
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
    path.write_bytes(content[: len(content) // 2])
    return str(path)


def test_unreadable_videos_do_not_count(data_root, tmp_path, broken):
    for folder in ('clean', 'all'):
        (tmp_path / folder).mkdir()
    expected, clean, _ = run(config(data_root, tmp_path / 'clean', NAMES))
    lines = ['gone.mp4 3', *NAMES[:2], f'{broken} 7', *NAMES[2:]]
    metrics, results, _ = run(config(data_root, tmp_path / 'all', lines))
    for name, value in clean['metrics'].items():
        assert results['metrics'][name] == value == expected[name]
    assert clean['videos'] == dict(evaluated=5, missing=0, undecodable=0, damaged=0)
    assert results['videos'] == dict(evaluated=5, missing=1, undecodable=1, damaged=0)
    assert metrics['videos/missing'] == 1
    assert results['list']['videos'] == 7
    gone, half = results['unreadable']
    assert re.search("gone.mp4': no such file", gone)
    assert re.search("broken.mp4': its index \\(moov\\) is missing", half)


def test_report_of_damaged_videos(data_root, tmp_path):
    """They are evaluated; the log names the first bad ones, a file all."""
    write_bad(tmp_path)
    bad = [f'{tmp_path}/times.mp4 3', f'{tmp_path}/times_too.mp4 3']
    gone = [f'gone{i}.mp4 3' for i in range(12)]
    metrics, results, runner = run(config(data_root, tmp_path, [*NAMES, *bad, *gone]))
    assert results['videos'] == dict(evaluated=7, missing=12, undecodable=0, damaged=2)
    assert [f'{x["file"]} 3' for x in results['damaged']] == bad
    assert results['damaged'][1]['missing'].startswith('23 of 24 (96 %) frames cannot ')
    assert len(results['unreadable']) == 12 and 'videos/damaged' not in metrics
    with open(osp.join(runner.log_dir, 'results.md')) as file:
        *_, remark = file.read().splitlines()
    assert remark.startswith('Videos: 12 missing, 2 damaged but evaluated; results.')
    with open(osp.join(runner.log_dir, f'{runner.timestamp}.log')) as file:
        log = file.read()
    assert log.count('Not evaluated: cannot use') == 10
    assert 'Not evaluated: 2 more, which results.json names' in log
    assert f"Damaged, but evaluated: '{tmp_path}/times_too.mp4': 23 of 24 (96 %" in log
    assert '12 missing, 0 undecodable, 2 damaged' in log


@pytest.mark.parametrize('num_workers', [0, 1])
def test_decoders_that_crash_or_hang(data_root, tmp_path, num_workers):
    lines = list(NAMES)
    for place, name in enumerate(('abort', 'hang')):
        shutil.copy(f'{data_root}/videos_val/v0.mp4', tmp_path / f'{name}.mp4')
        lines.insert(2 * place, f'{tmp_path}/{name}.mp4 3')
    cfg = config(data_root, tmp_path, lines)
    cfg.test_dataloader.num_workers = num_workers
    cfg.test_dataloader.dataset.pipeline.insert(2, dict(type='DecodeOrBreak'))
    cfg.test_cfg.time_limit = 2
    _, results, _ = run(cfg)
    assert results['videos'] == dict(evaluated=5, missing=0, undecodable=2, damaged=0)
    crash, hang = results['unreadable']
    assert re.search("abort.mp4': the process .* crashed \\(SIGABRT\\)", crash)
    assert re.search("hang.mp4': not read within 2 s", hang)


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
        fingerprint=list_fingerprint(runner.test_dataloader.dataset),
    )
    with open(osp.join(runner.log_dir, 'results.md')) as file:
        head, _, row = file.read().splitlines()
    assert head == '| model | views | videos | acc/top1 | acc/top5 | acc/mean1 |'
    top1 = f'{100 * metrics["acc/top1"]:.2f}'
    assert row.startswith(f'| bike_vitb32_k400 | 2x3 | 5 of 5 | {top1} |')
    with open(osp.join(runner.log_dir, f'{runner.timestamp}.log')) as file:
        assert results['list']['fingerprint'] in file.read()


def test_nothing_to_evaluate(data_root, tmp_path):
    with pytest.raises(RuntimeError, match='none of 1 videos.*gone.mp4'):
        run(config(data_root, tmp_path, ['gone.mp4 3']))


def test_fault_of_the_config_is_an_error(data_root, tmp_path):
    """Only videos may be unreadable."""
    cfg = config(data_root, tmp_path, NAMES)
    (crop,) = [
        t for t in cfg.test_dataloader.dataset.pipeline if t.type == 'RoundedCenterCrop'
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
    kwargs.setdefault('data_prefix', dict(video=prefix))
    return list_fingerprint(
        DATASETS.build(dict(ann_file=str(path), pipeline=[], **kwargs))
    )


def test_fingerprint(tmp_path):
    """Videos and labels count; order and folder do not."""
    path, lines = tmp_path / 'a.txt', ['a/x.mp4 0', 'b/y.mp4 1']
    expected = fingerprint(path, lines)
    assert re.fullmatch('[0-9a-f]{12}', expected)
    assert fingerprint(tmp_path / 'b.txt', lines[::-1], 'videos') == expected
    frames = dict(type='RawframeDataset', data_prefix=dict(img='frames'))
    assert fingerprint(path, ['a/x 30 0', 'b/y 24 1'], **frames) == expected
    others = [
        ['a/x.mp4 0'],
        ['a/x.mp4 1', 'b/y.mp4 1'],
        ['a/z.mp4 0', 'b/y.mp4 1'],
        [*lines, 'b/y.mp4 1'],
    ]
    fingerprints = {fingerprint(path, other) for other in others}
    multi = dict(multi_class=True, num_classes=3)
    fingerprints |= {
        fingerprint(path, ['a.mp4 0 1'], **multi),
        fingerprint(path, ['a.mp4 0 2'], **multi),
    }
    for end in ('1.00', '2.00'):
        fingerprints.add(
            fingerprint(path, [f'a.mp4 0.00 {end} 0'], type='VideoSegmentDataset')
        )
    assert len(fingerprints | {expected}) == 9


def test_tables():
    runs = [{'acc/top1': 0.7014}, {'acc/top1': 0.6831}, {'acc/top1': 0.6715}]
    rows = [('one_a', '4x3', '8 of 9', runs[0]), ('mean', '', '', average(runs))]
    assert markdown_table(rows).splitlines()[2:] == [
        '| one_a | 4x3 | 8 of 9 | 70.14 |',
        '| mean |  |  | 68.53 ± 1.23 |',
    ]
    assert r'one\_a & 4x3 & 8 of 9 & 70.14 \\' in latex_table(rows)
    assert r'mean &  &  & 68.53 $\pm$ 1.23 \\' in latex_table(rows)


def test_only_numbers_are_averaged():
    runs = [dict(top1=0.5, matrix=torch.eye(2)), dict(top1=1.0, other=1)]
    assert average(runs) == dict(top1_mean=0.75, top1_std=0.25)


@pytest.mark.parametrize(
    'lines', [['v0.mp4', 'v1.mp4'], ['v0.mp4 3', 'v1.mp4', 'v2.mp4 5']]
)
def test_videos_without_label(data_root, tmp_path, lines):
    """They would count as wrong answers."""
    cfg = config(data_root, tmp_path, lines)
    with pytest.raises(ValueError, match='have no label, such as .*v[01].mp4'):
        run(cfg)
    cfg.test_evaluator = dict(
        type='DumpResults', out_file_path=str(tmp_path / 'scores.pkl')
    )
    run(cfg)
    assert len(mmengine.load(tmp_path / 'scores.pkl')) == len(lines)


def multi_label(data_root, tmp_path, lines, num_classes=400):
    cfg = config(data_root, tmp_path, lines)
    cfg.test_dataloader.dataset.update(multi_class=True, num_classes=num_classes)
    cfg.test_evaluator = dict(type='MeanAPMetric')
    return cfg


@pytest.mark.parametrize(
    'line,message',
    [
        ('v0.mp4 92 -1', "list.txt' line 2: .*got 'v0.mp4 92 -1'"),
        ('v0.mp4 400', "list.txt' line 2: .*several labels from 0 to 399"),
    ],
)
def test_unfit_labels_of_several(data_root, tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        run(multi_label(data_root, tmp_path, ['v1.mp4 1 2', line]))


@pytest.mark.parametrize('frames', [False, True])
def test_videos_that_show_none_of_the_classes(data_root, tmp_path, frames):
    """As 49 of Charades: negatives of every class, and counted."""
    lines = ['v0.mp4 1 2', 'v1.mp4', 'v2.mp4 2', 'v3.mp4', 'v4.mp4 399']
    cfg = multi_label(data_root, tmp_path, lines)
    if frames:
        use_rawframes(cfg)
        cfg.test_dataloader.dataset.ann_file = str(tmp_path / 'frames.txt')
        (tmp_path / 'frames.txt').write_text(
            '\n'.join(line.replace('.mp4', ' 24') for line in lines)
        )
    cfg.test_evaluator = [
        cfg.test_evaluator,
        dict(type='DumpResults', out_file_path=f'{tmp_path}/scores.pkl'),
    ]
    metrics, results, runner = run(cfg)
    assert results['list']['videos'] == results['videos']['evaluated'] == 5
    assert results['list']['without_label'] == 2
    dump = mmengine.load(f'{tmp_path}/scores.pkl')
    truth = np.stack([sample['gt_label'] for sample in dump])
    assert truth.sum(1).tolist() == [2, 0, 1, 0, 1]
    scores = np.stack([sample['pred_score'] for sample in dump])
    assert metrics['acc/mAP'] == pytest.approx(
        np.mean(
            [average_precision_score(truth[:, k], scores[:, k]) for k in (1, 2, 399)]
        )
    )
    with open(osp.join(runner.log_dir, f'{runner.timestamp}.log')) as file:
        assert '5 videos (2 without any label), list fing' in file.read()


def test_who_needs_labels(data_root, tmp_path):
    """A metric of accuracy; mAP where a video has one label, or none has."""
    lines = ['v0.mp4 1', 'v1.mp4']
    several = multi_label(data_root, tmp_path, lines)
    several.test_evaluator = [dict(type='MeanAPMetric'), dict(type='AccMetric')]
    one = config(data_root, tmp_path, lines)
    one.test_evaluator = dict(type='MeanAPMetric')
    for cfg in (several, one):
        with pytest.raises(ValueError, match='1 of 2 videos.* have no label'):
            run(cfg)
    with pytest.raises(ValueError, match='2 of 2 videos.* have no label'):
        run(multi_label(data_root, tmp_path, ['v0.mp4', 'v1.mp4']))


def test_labels_of_another_number_of_classes(data_root, tmp_path):
    with pytest.raises(ValueError, match='v1.mp4.*of 7 classes.*knows 400'):
        run(multi_label(data_root, tmp_path, ['v1.mp4 1 2'], 7))


def test_wrapped_data_set(data_root, tmp_path):
    cfg = config(data_root, tmp_path, NAMES)
    loader = cfg.test_dataloader
    loader.dataset = dict(type='RepeatDataset', dataset=loader.dataset, times=2)
    _, results, _ = run(cfg)
    assert results['list']['videos'] == results['videos']['evaluated'] == 10
    assert results['views'] == '1x1'


def test_what_was_changed_of_the_model(data_root, tmp_path):
    cfg = config(data_root, tmp_path, NAMES)
    _, plain, _ = run(cfg)
    assert plain['model']['prompt'] == 'This is a video about {}'
    assert plain['model']['classes'] == 400
    cfg.model.cls_head.prompt = 'actions'
    cfg.model.cls_head.class_names = [f'class {i}' for i in range(400)]
    _, other, _ = run(cfg)
    assert other['model']['prompt'] == 'actions'
    assert other['model']['class_names_sha256'] != plain['model']['class_names_sha256']
