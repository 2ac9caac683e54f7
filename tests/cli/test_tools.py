"""The command-line tools take MMAction2's arguments."""

import os
import stat

import pytest
import torch
from mmengine.config import Config

from bike_mmaction.recipes.options import check_cfg_options
from tests.kit.configs import load_config, shrink
from tests.kit.tools import run_process, run_python


def test_training_options(data_root, tmp_path):
    cfg = shrink(load_config('bike_vitb32_k400'), data_root, tmp_path)
    cfg.dump(tmp_path / 'small.py')
    work = tmp_path / 'work'
    done = run_python(
        'tools/train.py',
        tmp_path / 'small.py',
        '--work-dir',
        work,
        '--seed',
        7,
        '--deterministic',
        '--amp',
        '--auto-scale-lr',
        '--no-validate',
        '--cfg-options',
        'optim_wrapper.dtype=bfloat16',
        'optim_wrapper.accumulative_counts=2',
    )
    assert done.returncode == 0, done.stderr[-2000:]
    used = Config.fromfile(work / 'small.py')
    assert used.randomness == dict(seed=7, deterministic=True)
    assert used.optim_wrapper.type == 'AmpOptimWrapper'
    assert used.optim_wrapper.accumulative_counts == 2
    meta = torch.load(work / 'epoch_1.pth', weights_only=False)
    rates = {g['initial_lr'] for g in meta['optimizer']['param_groups']}
    # 2 videos a batch instead of 256
    assert max(rates) == pytest.approx(5e-5 * 2 / 256)


@pytest.mark.parametrize('key', ['pretrained', 'clip_len', 'modle.type'])
def test_options_without_effect_are_refused(key):
    cfg = load_config('bike_vitb32_k400')
    with pytest.raises(ValueError, match=f'{key}=... would have no effect'):
        check_cfg_options(cfg, {key: 1})


def test_options_with_effect_are_taken():
    cfg = load_config('bike_vitb32_k400')
    check_cfg_options(cfg, None)
    check_cfg_options(
        cfg,
        {
            'model.backbone.with_cp': True,
            'auto_scale_lr.enable': True,
            'randomness.seed': 1,
            'work_dir': 'x',
            'custom_hooks': [],
        },
    )


@pytest.mark.parametrize(
    'script,args,expected',
    [
        (
            'slurm_train.sh',
            ['part', 'job', 'c.py', '--amp'],
            'tools/train.py c.py --launcher slurm --amp',
        ),
        (
            'slurm_test.sh',
            ['part', 'job', 'c.py', 'm.pth', '--views', '4x3'],
            'tools/test.py c.py m.pth --launcher slurm --views 4x3',
        ),
        (
            'slurm_test_splits.sh',
            ['part', 'job', 'a.py', 'b.py', '--checkpoints', 'm'],
            'tools/test_splits.py a.py b.py --checkpoints m --launcher slurm',
        ),
        (
            'slurm_generate_attributes.sh',
            ['part', 'job', 'c.py', '--topk', '5'],
            'tools/generate_attributes.py c.py --launcher slurm --topk 5',
        ),
        (
            'slurm_label.sh',
            ['part', 'job', 'videos', '--out', 'x.csv'],
            'tools/label.py videos --out x.csv --launcher slurm',
        ),
    ],
)
def test_slurm_command(script, args, expected, tmp_path):
    """A scheduler that only prints its arguments."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/usr/bin/env bash\necho "$@"\n')
    srun.chmod(srun.stat().st_mode | stat.S_IEXEC)
    done = run_process(
        'bash',
        f'tools/{script}',
        *args,
        GPUS='16',
        PATH=f'{tmp_path}:{os.environ["PATH"]}',
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        '-p part --job-name=job --gres=gpu:8 --ntasks=16 --ntasks-per-node=8'
    )
    assert done.stdout.strip().endswith(expected)


def test_merging_names_what_is_missing(tmp_path):
    path = tmp_path / 'video.pth'
    torch.save(dict(state_dict={'cls_head.a': torch.zeros(1)}), path)
    done = run_python('tools/merge_checkpoints.py', path, path, tmp_path / 'out.pth')
    assert done.returncode != 0 and not (tmp_path / 'out.pth').exists()
    assert 'the attributes checkpoint has no attributes_head.*' in done.stderr
    assert 'Traceback' not in done.stderr
