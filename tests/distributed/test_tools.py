"""Tools in several processes: they stop, go on, and count each video once."""

import glob
import json
import os
import os.path as osp
import pickle
import re
import signal
import sys
import time

import pytest
import torch
from mmengine.config import Config

from tests.kit.configs import load_config
from tests.kit.tools import run_well, start_process


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """The demo's config with few videos: 6 to train, 5 to test."""
    root = tmp_path_factory.mktemp('demo')
    run_well(
        sys.executable,
        'tools/demo/render.py',
        '--out',
        root / 'data',
        '--train',
        '6',
        '--val',
        '2',
        '--test',
        '5',
    )
    cfg = load_config('bike_demo')
    cfg.model.backbone.pretrained = None
    cfg.model.cls_head.text_encoder.pretrained = None
    cfg.model.cls_head.class_names = str(root / 'data/class_names.txt')
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.batch_size = 2
        loader.dataset.update(
            ann_file=str(root / f'data/{split}.txt'),
            data_prefix=dict(video=str(root / 'data/videos')),
        )
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.logger.interval = 1
    cfg.train_cfg.val_interval = 1
    path = str(root / 'small.py')
    cfg.dump(path)
    return path


def finish(process, timeout=300):
    out, _ = process.communicate(timeout=timeout)
    assert process.returncode == 0, out[-3000:]
    return out


def wait_for(path, process, timeout=200):
    end = time.time() + timeout
    while not glob.glob(path):
        assert process.poll() is None, process.communicate()[0][-3000:]
        assert time.time() < end, f'{path} did not appear'
        time.sleep(0.05)


def test_training_is_stopped_and_resumed(config, tmp_path):
    work = str(tmp_path / 'work')
    train = ['bash', 'tools/dist_train.sh', config, '2', '--work-dir', work]
    process = start_process(*train, '--epochs', '1000')
    wait_for(f'{work}/last_checkpoint', process)
    # To the launcher, which stops its workers, as a scheduler would.
    os.killpg(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert 'Traceback' not in said and said.count('with --resume goes on') == 1
    assert not glob.glob(f'{work}/.unfinished*')
    with open(f'{work}/last_checkpoint') as file:
        done = int(re.search(r'epoch_(\d+).pth', file.read())[1])
    out = finish(
        start_process(
            *train, '--resume', '--epochs', str(done + 2), '--override-schedule'
        )
    )
    assert f'resumed epoch: {done}' in out
    trained = {int(n) for n in re.findall(r'Epoch\(train\) +\[(\d+)\]', out)}
    assert trained == {done + 1, done + 2}  # nothing twice, nothing left out
    checkpoint = torch.load(f'{work}/epoch_{done + 2}.pth', weights_only=False)
    # Two ranks, three videos each, two a batch: 2 iterations.
    assert checkpoint['meta']['iter'] == 2 * (done + 2)


def test_a_mistake_is_told_by_one_process(config, tmp_path):
    process = start_process(
        'bash',
        'tools/dist_train.sh',
        config,
        '2',
        '--work-dir',
        str(tmp_path),
        '--cfg-options',
        'load_from=absent.pth',
    )
    out, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    told = [line for line in out.splitlines() if line.startswith('train.py: ')]
    assert told == ["train.py: error: checkpoint 'absent.pth' does not exist"]
    assert 'tools/train.py", line' not in out  # a traceback of ours


def test_two_processes_test_as_one(config, tmp_path):
    """Also where videos are missing or broken, in any place of the list."""
    work = str(tmp_path / 'work')
    listed = list_with_unreadable(Config.fromfile(config), tmp_path)
    finish(
        start_process(
            sys.executable,
            'tools/train.py',
            config,
            '--work-dir',
            work,
            '--epochs',
            '1',
            '--no-validate',
        )
    )
    checkpoint = f'{work}/epoch_1.pth'
    actual = []
    commands = dict(
        one=[sys.executable, 'tools/test.py', config, checkpoint],
        two=['bash', 'tools/dist_test.sh', config, checkpoint, '2'],
    )
    for name, command in commands.items():
        out = str(tmp_path / name)
        finish(
            start_process(
                *command,
                '--views',
                '2x3',
                '--work-dir',
                out,
                '--dump',
                f'{out}.pkl',
                '--cfg-options',
                f'test_dataloader.dataset.ann_file={listed}',
            )
        )
        with open(glob.glob(f'{out}/*/results.json')[0]) as file:
            results = json.load(file)
        with open(f'{out}.pkl', 'rb') as file:
            scores = torch.stack([r['pred_score'] for r in pickle.load(file)])
        actual.append((results, scores))
    (one, scores), (two, scores2) = actual
    assert one == two
    assert {'acc/top1', 'acc/top5', 'acc/mean1'} == set(one['metrics'])
    assert one['videos'] == dict(evaluated=5, missing=1, undecodable=1, damaged=0)
    assert one['list']['videos'] == 7 and one['views'] == '2x3'
    assert one['checkpoint']['file'] == checkpoint
    assert len(scores2) == 5  # two ranks, five videos
    torch.testing.assert_close(scores, scores2)


def list_with_unreadable(cfg, folder):
    """The list of the test with a missing and a truncated video more."""
    dataset = cfg.test_dataloader.dataset
    with open(dataset.ann_file) as file:
        lines = file.read().splitlines()
    first = osp.join(dataset.data_prefix.video, lines[0].split()[0])
    with open(first, 'rb') as file:
        (folder / 'half.mp4').write_bytes(file.read()[: osp.getsize(first) // 2])
    lines.insert(1, 'gone.mp4 0')
    lines.append(f'{folder}/half.mp4 1')
    path = folder / 'list.txt'
    path.write_text('\n'.join(lines) + '\n')
    return path
