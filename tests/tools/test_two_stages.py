"""The paper's recipe, with the tools: video first, then attributes."""

import copy
import glob
import json
import os
import sys

import mmengine
import pytest
import torch
from mmaction.apis import inference_recognizer, init_recognizer
from mmengine.config import Config

from bike_mmaction.apis import generate_attributes
from bike_mmaction.datasets.attribute_file import AttributeFile
from tests.kit.configs import load_config, shrink
from tests.kit.models import write_clip
from tests.kit.tools import run_well


def small(name, data_root, folder):
    cfg = shrink(load_config(name), data_root, folder / name)
    # Not in 16 bits: one and two processes are compared.
    cfg.optim_wrapper.type = 'OptimWrapper'
    return cfg


@pytest.fixture(scope='module')
def stages(data_root, tmp_path_factory):
    """Checkpoints of both stages and the second one's config."""
    folder = tmp_path_factory.mktemp('stages')
    cfg = small('bike_vitb32_k400', data_root, folder)
    cfg.dump(folder / 'first.py')
    run_well(sys.executable, 'tools/train.py', folder / 'first.py')
    first = folder / 'bike_vitb32_k400/epoch_1.pth'
    cfg = small('bike_vitb32_attributes_k400', data_root, folder)
    cfg.load_from = str(first)
    for split in ('train', 'val'):  # no video is there to be decoded
        cfg[f'{split}_dataloader'].dataset.data_prefix = dict(video='nowhere')
    cfg.dump(folder / 'second.py')
    run_well('bash', 'tools/dist_train.sh', folder / 'second.py', 2)
    second = folder / 'bike_vitb32_attributes_k400/epoch_1.pth'
    return first, second, folder / 'second.py'


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def metrics_of(folder):
    (path,) = glob.glob(f'{folder}/*/results.json')
    with open(path) as file:
        return json.load(file)['metrics']


def test_second_stage_trains_the_attributes_branch_only(stages):
    first, second = map(weights, stages[:2])
    assert all(torch.equal(second[name], first[name]) for name in first)
    added = set(second) - set(first)
    assert len(added) == 9
    assert all(name.startswith('attributes_head.') for name in added)


def test_resuming_before_the_first_checkpoint_starts_as_asked(stages, tmp_path):
    """A scheduler's script may always say --resume."""
    first, _, config = stages
    run_well(
        sys.executable, 'tools/train.py', config, '--resume', '--work-dir', tmp_path
    )
    begun = weights(tmp_path / 'epoch_1.pth')
    assert all(torch.equal(begun[k], v) for k, v in weights(first).items())


def test_one_test_reports_both_branches(stages, tmp_path):
    """By two processes as by one; and fused afterwards to the same."""
    _, second, config = stages
    metrics = {}
    for count, command in (
        (1, [sys.executable, 'tools/test.py']),
        (2, ['bash', 'tools/dist_test.sh']),
    ):
        processes = [count] if count > 1 else []
        out = tmp_path / str(count)
        run_well(
            *command,
            config,
            second,
            *processes,
            '--views',
            '2x3',
            '--work-dir',
            out,
            '--dump',
            f'{out}.pkl',
        )
        metrics[count] = metrics_of(out)
    assert set(metrics[1]) == {
        f'{branch}/{name}'
        for branch in ('acc', 'video', 'attributes')
        for name in ('top1', 'top5', 'mean1')
    }
    assert metrics[1] == metrics[2]
    samples = mmengine.load(tmp_path / '1.pkl')
    assert len(samples) == 5
    for sample in samples:
        torch.testing.assert_close(
            sample['pred_score'],
            0.7 * sample['video_score'] + 0.3 * sample['attributes_score'],
        )
    run_well(
        sys.executable,
        'tools/fuse_scores.py',
        tmp_path / '2.pkl',
        '--json',
        tmp_path / 'fused.json',
    )
    rows = mmengine.load(tmp_path / 'fused.json')['table']
    for row, branch in zip(rows, ('video', 'attributes', 'acc')):
        assert row['top1'] == pytest.approx(metrics[1][f'{branch}/top1'])


def test_weight_of_the_fusion(stages, tmp_path):
    _, second, config = stages
    run_well(
        sys.executable,
        'tools/test.py',
        config,
        second,
        '--work-dir',
        tmp_path / 'w',
        '--dump',
        tmp_path / 's.pkl',
        '--cfg-options',
        'model.fusion_weight=0.25',
    )
    for sample in mmengine.load(tmp_path / 's.pkl'):
        torch.testing.assert_close(
            sample['pred_score'],
            0.25 * sample['video_score'] + 0.75 * sample['attributes_score'],
        )


def test_plug_and_play_needs_the_first_stage_only(stages, data_root, tmp_path):
    cfg = small('bike_vitb32_plugplay_k400', data_root, tmp_path)
    cfg.dump(tmp_path / 'plugplay.py')
    run_well(
        sys.executable,
        'tools/test.py',
        tmp_path / 'plugplay.py',
        stages[0],
        '--work-dir',
        tmp_path / 'w',
    )
    assert {name.split('/')[0] for name in metrics_of(tmp_path / 'w')} == {
        'acc',
        'video',
        'attributes',
    }


def test_untrained_attributes_branch_is_refused(stages, tmp_path):
    first, _, config = stages
    with pytest.raises(AssertionError, match='attributes branch is untrained'):
        run_well(
            sys.executable, 'tools/test.py', config, first, '--work-dir', tmp_path / 'w'
        )


def test_branches_trained_apart_are_merged(stages, tmp_path):
    first, second, _ = stages
    torch.save(
        dict(
            state_dict={
                k: v
                for k, v in weights(second).items()
                if k.startswith('attributes_head.')
            }
        ),
        tmp_path / 'attributes.pth',
    )
    out = run_well(
        sys.executable,
        'tools/merge_checkpoints.py',
        first,
        tmp_path / 'attributes.pth',
        tmp_path / 'both.pth',
    )
    assert '9 tensors of the attributes branch added' in out
    merged, expected = weights(tmp_path / 'both.pth'), weights(second)
    assert set(merged) == set(expected)
    assert all(torch.equal(merged[k], expected[k]) for k in expected)


def test_attributes_online(stages, data_root, tmp_path):
    """MMAction2's inference API on a video that no file knows."""

    cfg = Config.fromfile(str(stages[2]))
    # MMAction2 forgets `backbone.pretrained` before it builds a model.
    clip = write_clip(tmp_path / 'clip.pt', cfg.model.backbone.arch)
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = clip
    cfg.model.association = None  # by the same CLIP
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    lexicon = ['a ball', 'grass', 'snow']
    generate_attributes(copy.deepcopy(cfg), lexicon, 2, str(tmp_path / 'a.json'))
    expected = AttributeFile(str(tmp_path / 'a.json')).find('v1.mp4')
    cfg.test_pipeline[0].missing = 'skip'
    video, unknown = f'{data_root}/videos_val/v1.mp4', str(tmp_path / 'u.mp4')
    os.link(video, unknown)

    def infer(path):
        model = init_recognizer(copy.deepcopy(cfg), str(stages[1]), device='cpu')
        return inference_recognizer(model, path)

    assert 'attributes_score' not in infer(unknown)
    cfg.model.association = dict(lexicon=lexicon, topk=2)
    metrics = infer(unknown)
    assert tuple(metrics.attributes) == expected
    assert 'attributes_score' in metrics
    assert infer(video).attributes[0] == 'ball 1'  # those of the file


def test_mean_average_precision_of_the_branches(stages, tmp_path):
    """Several labels a video, through MMAction2's metric."""
    _, second, config = stages
    cfg = Config.fromfile(str(config))
    names = ('mean_average_precision',)
    cfg.test_evaluator = [
        dict(metric, metric_list=names) for metric in cfg.test_evaluator
    ]
    cfg.test_dataloader.dataset.update(multi_class=True, num_classes=400)
    cfg.dump(tmp_path / 'multi.py')
    run_well(
        sys.executable,
        'tools/test.py',
        tmp_path / 'multi.py',
        second,
        '--work-dir',
        tmp_path / 'w',
    )
    metrics = metrics_of(tmp_path / 'w')
    assert set(metrics) == {
        f'{branch}/mean_average_precision' for branch in ('acc', 'video', 'attributes')
    }
    assert all(0 < value <= 1 for value in metrics.values())
