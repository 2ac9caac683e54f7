"""Rows are trained and tested by the tools, also after a stop."""

import contextlib
import copy
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from mmaction.registry import MODELS
from mmengine.config import Config
from open_clip import CustomTextCLIP

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.reproduction import rows_of
from bike_mmaction.reproduction.running import only_one, reason_in
from bike_mmaction.reproduction.settings import encoders
from tests.golden import fixture
from tests.kit.checks import collected
from tests.kit.configs import load_config
from tests.kit.models import tiny_arch, write_clip
from tests.kit.reproduction import (
    MEAN,
    VIDEO,
    read_table,
    reproduce,
    results_of,
    shipped,
)
from tests.kit.tools import convert_released, free_port, start_process
from tests.kit.videos import write_video

EPOCHS = 3
# Of a released fixture whose images have the size of the configs' crops.
ARCH = tiny_arch(image_size=224, patch_size=112)


@pytest.fixture(scope='module')
def tiny(data_root, tmp_path_factory):
    """Two models made small, their index and data, and a checkpoint."""
    folder = tmp_path_factory.mktemp('tiny')
    for name in ('configs', 'data'):
        (folder / name).mkdir()
    os.symlink(data_root, folder / 'data' / 'kinetics400')
    entries = []
    for name in (VIDEO, MEAN):
        shrink(shipped().configs[name], folder / 'configs' / f'{name}.py')
        entry = copy.deepcopy(shipped().entries[name])
        entry['Config'] = f'configs/{name}.py'
        entry['Metadata'].update({'Batch Size': 2, 'Training Resources': '1 GPU'})
        entry['Results'][0]['Videos'] = 7
        entries.append(entry)
    (folder / 'configs' / 'index.yml').write_text(
        yaml.safe_dump(dict(Models=entries)), encoding='utf-8'
    )
    released = fixture.checkpoint(
        arch=dict(fixture.ARCH, image_size=224, patch_size=112)
    )
    convert_released(released, folder)
    return folder


def shrink(path, out):
    """A config with tiny towers and three epochs of three videos."""
    cfg = Config.fromfile(path)
    for part in encoders(cfg):
        part.update(arch=ARCH, pretrained=None)
    if cfg.model.neck:
        cfg.model.neck.update(embed_dims=64, num_heads=2)
    cfg.model.cls_head.in_channels = 64
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False)
        if split != 'test':
            own_dataset(cfg, split)['indices'] = 3
    cfg.train_cfg.max_epochs = EPOCHS
    cfg.param_scheduler = [dict(type='CosineAnnealingLR', T_max=EPOCHS, by_epoch=True)]
    cfg.dump(out)


@pytest.fixture(scope='module')
def tested(tiny, tmp_path_factory):
    """Two rows, of which one fails: the options, the folder, what it said."""
    folder = tmp_path_factory.mktemp('tested')
    listed = tiny / 'list.txt'
    with open(tiny / 'data/kinetics400/kinetics400_val_list_videos.txt') as f:
        listed.write_text(f'{f.read()}gone.mp4 0\n')
    broken = tiny / 'broken.pth'
    broken.write_bytes((tiny / 'converted.pth').read_bytes()[:9999])
    args = [
        'ablations',
        '--index',
        tiny / 'configs' / 'index.yml',
        '--data-root',
        tiny / 'data',
        '--work-dir',
        folder,
        '--rows',
        VIDEO,
        MEAN,
        '--cfg-options',
        f'test_dataloader.dataset.ann_file={listed}',
        '--checkpoints',
        f'{VIDEO}={tiny}/converted.pth',
    ]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = reproduce(*args, f'{MEAN}={broken}')
    return args, folder, (code, said.getvalue())


@pytest.mark.slow
def test_table_is_what_the_tests_have_written(tested):
    _, folder, (code, printed) = tested
    results, row = results_of(folder, VIDEO), read_table(folder)[VIDEO]
    (figure,) = row['figures']
    assert figure['measured'] == pytest.approx(100 * results['metrics']['acc/top1'])
    assert figure['difference'] == figure['measured'] - 78.9
    assert figure['authors_log'] == '79.62 / 79.54'
    assert row['checkpoint'] == results['checkpoint']
    assert row['list'] == results['list']
    assert row['videos'] == dict(evaluated=5, listed=6, official=7)
    assert row['remarks'][0] == 'only 5 of 6 listed videos could be read'
    assert row['remarks'][1].endswith('has 6 videos, not the official 7')
    assert 'ann_file' in row['remarks'][2]
    line = (
        f'| 1x1 | top-1 | 78.9 | 79.62 / 79.54 (1x1) | '
        f'{figure["measured"]:.2f} | {figure["difference"]:+.2f} | 5 of 6 '
        f'| {results["checkpoint"]["sha256"][:12]} | [1] [2] [3] |'
    )
    assert line in (folder / 'ablations.md').read_text()
    assert line in printed
    assert r'bike\_vitb32\_k400' in (folder / 'ablations.tex').read_text()


@pytest.mark.slow
def test_a_row_that_fails_does_not_end_the_others(tested):
    _, folder, (code, printed) = tested
    assert code == 1
    first, second = (printed.index(f'== row {i} of 2') for i in (1, 2))
    assert 'failed: ' in printed[min(first, second) :]
    row = read_table(folder)[MEAN]
    assert row['state'] == 'failed' and row['figures'][0]['measured'] is None
    assert "cannot read checkpoint '" in row['remarks'][0]
    assert 'broken.pth' in row['remarks'][0]


@pytest.mark.slow
def test_goes_on_after_a_stop(tested, tmp_path, capsys, monkeypatch):
    """Stopped inside of a training; then with twice as many processes."""
    args, folder, _ = tested
    process = start_process(sys.executable, 'tools/reproduce.py', *args)
    training = folder / MEAN / 'training'
    while not (training / 'last_checkpoint').exists():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate()
    assert process.returncode == 143
    assert '1 done, 0 to be tested only, 1 to be trained and tested' in printed
    assert 'row 1 of 2' not in printed or f'1 of 2: {MEAN}' in printed
    with only_one(str(folder)):  # what it had started has ended, too
        assert not (training / f'epoch_{EPOCHS}.pth').exists()
    # Other settings would not go on with it, but begin another one.
    other = [
        *args[: args.index('--cfg-options') + 1],
        'model.cls_head.words=name',
        *args[args.index('--cfg-options') + 1 :],
    ]
    assert reproduce(*other, '--plan') == 0
    assert 'has a training with other settings' in capsys.readouterr().out
    assert reproduce(*args, '--plan') == 0
    assert re.search(r'resume after epoch \d of 3', capsys.readouterr().out)
    monkeypatch.setenv('PORT', free_port())
    assert reproduce(*args, '--gpus', 2) == 0
    assert 'resumed epoch: ' in (training / 'log.txt').read_text()
    results, row = results_of(folder, MEAN), read_table(folder)[MEAN]
    assert row['figures'][0]['measured'] == pytest.approx(
        100 * results['metrics']['acc/top1']
    )
    digest = hashlib.sha256((training / f'epoch_{EPOCHS}.pth').read_bytes()).hexdigest()
    assert row['checkpoint']['sha256'] == digest
    assert results_of(folder, VIDEO)  # its only test
    assert reproduce(*other, '--plan') == 0
    assert 'refused [' in capsys.readouterr().out
    # Done is what was tested with these weights on this list.
    assert reproduce(*args, '--plan') == 0
    assert '2 done' in capsys.readouterr().out
    weights = torch.load(training / f'epoch_{EPOCHS}.pth', weights_only=False)
    torch.save(dict(weights, meta={}), training / f'epoch_{EPOCHS}.pth')
    assert reproduce(*args, '--plan') == 0
    assert '1 done, 1 to be tested only' in capsys.readouterr().out


@pytest.fixture
def demo(tmp_path):
    """Four videos in place of the demo's, and a CLIP without pre-training."""
    data = tmp_path / 'demo' / 'data'
    for i in range(4):
        write_video(data / 'videos' / f'{i}.mp4', 12, (64, 64), seed=i)
    for name in ('train', 'val', 'test'):
        (data / f'{name}.txt').write_text(''.join(f'{i}.mp4 {i}\n' for i in range(4)))
    (data / 'class_names.txt').write_text('\n'.join(map(str, range(16))))
    cfg = load_config('bike_demo')
    arch = cfg.model.backbone.arch
    write_clip(tmp_path / 'demo' / 'clip.pt', arch, layout=CustomTextCLIP)
    for part in encoders(cfg):
        part['pretrained'] = None
    cfg.model.cls_head.class_names = list(map(str, range(16)))
    torch.save(
        dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'vcs.pth'
    )
    return [
        'demo',
        '--data-root',
        tmp_path / 'demo',
        '--checkpoints',
        f'bike_demo={tmp_path}/vcs.pth',
        '--work-dir',
        tmp_path / 'work',
        '--rows',
        'bike_demo',
    ]


@pytest.mark.slow
def test_demo_is_a_table_too(demo, tmp_path, capsys):
    assert reproduce(*demo, '--plan') == 0
    assert '1 to be tested only' in capsys.readouterr().out
    assert reproduce(*demo) == 0
    table = (tmp_path / 'work' / 'demo.md').read_text()
    assert table in capsys.readouterr().out
    results = results_of(tmp_path / 'work', 'bike_demo')
    measured = 100 * results['metrics']['acc/top1']
    index = shipped()
    ((figure,),) = [
        row.figures for row in rows_of(index, 'demo') if row.name == 'bike_demo'
    ]
    assert f'| {figure} |  | {measured:.2f} |' in table
    assert results['checkpoint']['file'] == str(tmp_path / 'vcs.pth')
    row = read_table(tmp_path / 'work', 'demo')['bike_demo']
    assert row['remarks'][0].endswith('has 4 videos, not the official 384')
    assert reproduce(*demo) == 0
    assert '1 done' in capsys.readouterr().out


def test_only_one_works_in_a_folder(tmp_path):
    """Also not beside what a killed run has left behind."""
    with only_one(str(tmp_path)) as lock:
        left = subprocess.Popen(['sleep', '60'], pass_fds=[lock])
    again = only_one(str(tmp_path))
    with pytest.raises(RuntimeError, match='another run still works'), again:
        pass
    left.kill()
    left.wait()
    with only_one(str(tmp_path)):
        pass


LOGS = [
    ('Traceback ...\nValueError: too small\n', 'too small'),
    ('a\ntest: checkpoint is absent\n', 'checkpoint is absent'),
    (
        "[rank1]: bike_mmaction.errors.PipelineError: 'a.mp4': bad\n"
        'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n',
        "'a.mp4': bad",
    ),
    ('Killed\n', 'Killed'),
    ('', 'ended without a word'),
]


def test_reason_of_a_failure(tmp_path):
    with collected() as check:
        for log, reason in LOGS:
            (tmp_path / 'log.txt').write_text(log)
            with check(reason):
                assert reason_in(str(tmp_path / 'log.txt')) == reason
