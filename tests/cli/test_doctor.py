"""`bike doctor`: what is broken is a finding, with its cure, and no traceback."""

import json
import os
import resource
import shutil
from collections import namedtuple

import pytest
from mmengine.config import Config

import bike_mmaction_cli
from bike_mmaction.compat import installed_version
from bike_mmaction.doctor import machine, packages
from bike_mmaction.doctor.findings import ERROR, OK, WARNING, Finding, look, show
from bike_mmaction.recipes import use_deepspeed
from tests.kit.configs import load_tiny
from tests.kit.models import CLASSES, write_clip
from tests.kit.tools import run_process

USAGE = namedtuple('USAGE', 'total used free')


@pytest.fixture(scope='module')
def config(tmp_path_factory, video):
    """A small config whose data are whole in training, broken elsewhere."""
    folder = tmp_path_factory.mktemp('doctor')
    cfg = load_tiny(
        'bike_vitb32_k400', CLASSES, pretrained=write_clip(folder / 'clip.pt')
    )
    for name in ('good', 'second'):
        shutil.copy(video, folder / f'{name}.mp4')
    (folder / 'broken.mp4').write_bytes(b'no video')
    lists = dict(
        train='good.mp4 0\nsecond.mp4 1\n',
        val=f'good.mp4 0\nsecond.mp4 {len(CLASSES)}\n',
        test='good.mp4 0\nbroken.mp4 1\ngone.mp4 1\n',
    )
    for split, text in lists.items():
        (folder / f'{split}.txt').write_text(text)
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.ann_file = str(folder / f'{split}.txt')
        dataset.data_prefix = dict(video=str(folder))
    cfg.load_from = str(folder / 'gone.pth')
    cfg.dump(folder / 'config.py')
    return folder / 'config.py'


def doctor(out, *args):
    """Exit status and findings of `bike doctor`."""
    status = 0
    try:
        bike_mmaction_cli.run('doctor', [*map(str, args), '--json', str(out)], 'bike')
    except SystemExit as end:
        status = end.code
    return status, [Finding(**entry) for entry in json.loads(out.read_text())]


def test_of_a_config(config, tmp_path, capsys):
    status, findings = doctor(tmp_path / 'findings.json', config)
    errors = {f.subject: f for f in findings if f.state == ERROR}
    printed = capsys.readouterr().out
    assert status == 1
    assert set(errors) == {'val list', 'test videos', 'weights'}, printed
    assert f'label {len(CLASSES)}' in errors['val list'].text
    bad = [f.text for f in findings if f.subject == 'test videos']
    assert 'broken.mp4' in bad[0] and 'gone.mp4' in bad[1] and len(bad) == 2
    assert 'gone.pth' in errors['weights'].text
    assert errors['weights'].cure == '--cfg-options load_from=FILE'
    good = {f.subject: f.text for f in findings if f.state == OK}
    assert 'first 2 of 2' in good['train videos']
    assert good['step'].startswith('2 videos of the training set on cpu: loss ')
    assert 'for a batch of 32 videos' in good['memory']
    # What is printed is what is written; and nothing else.
    lines = printed.splitlines()
    assert len(lines) == len(findings) + 1
    assert lines[-1].startswith(f'{len(findings)} findings: ')
    assert '\033' not in printed


def test_repaired_by_its_cures(config, tmp_path):
    train = config.parent / 'train.txt'
    options = [
        'load_from=None',
        f'val_dataloader.dataset.ann_file={train}',
        f'test_dataloader.dataset.ann_file={train}',
    ]
    status, findings = doctor(
        tmp_path / 'findings.json', config, '--no-step', '--cfg-options', *options
    )
    assert status == 0, [f for f in findings if f.state == ERROR]
    assert {'model', 'memory'} <= {f.subject for f in findings}
    assert 'step' not in {f.subject for f in findings}


def test_of_processes_that_share_a_model(config, tmp_path):
    """What `bike train` would end with; a step here is of one process."""
    cfg = Config.fromfile(config)
    use_deepspeed(cfg)
    cfg.dump(tmp_path / 'config.py')
    _, findings = doctor(tmp_path / 'out.json', tmp_path / 'config.py')
    states = {finding.subject: finding for finding in findings}
    assert states['step'].state == OK, states['step']
    missing = states['strategy'].state == ERROR
    assert missing == (not installed_version('deepspeed'))
    options = ['runner_type=FlexibleRunner', 'strategy.type=FSDPStrategy']
    for given, state in ((options, OK), (options[1:], ERROR)):
        args = ['--no-step', '--cfg-options', *given]
        _, findings = doctor(tmp_path / 'out.json', config, *args)
        assert [f.state for f in findings if f.subject in ('runner', 'strategy')] == [
            state
        ]


def test_what_may_be_wrong_with_a_machine(monkeypatch, tmp_path):
    """Each of these at once; none ends the report."""
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: USAGE(64e6, 0, 64e6))
    monkeypatch.setattr(resource, 'getrlimit', lambda which: (256, 4096))
    monkeypatch.setattr(machine, '_driver', lambda: '470.1')
    versions = dict(mmengine='0.9.0', torch='99.0', av='14.0', mmcv='2.1.0')
    original = packages.installed_version

    def installed(name):
        return versions.get(name) or original(name)

    monkeypatch.setattr(packages, 'installed_version', installed)
    monkeypatch.setattr('bike_mmaction.compat.versions.installed_version', installed)
    monkeypatch.setattr('av.codec.codecs_available', {'h264'})

    def fail():
        raise KeyError('a fault\nof many lines')

    findings = list(look([*packages.checks(), *machine.checks(), ('fault', fail)]))
    states = {f.subject: (f.state, f.text, f.cure) for f in findings}
    expected = {
        'mmengine': (ERROR, '0.9.0', 'pip install "mmengine>='),
        'torch': (WARNING, 'newer than tested', 'pip install "torch>='),
        'av': (ERROR, '14.0', 'pip install "av>=15"'),
        'video decoders': (WARNING, 'cannot read HEVC, VP9, AV1', 'pip install'),
        'GPU': (ERROR, '470.1', ''),
        'shared memory': (WARNING, '0.1 of 0.1 GiB', '--shm-size'),
        'open files': (WARNING, '256', 'ulimit -n 4096'),
        'disk': (WARNING, 'few checkpoints', '--work-dir'),
        'fault': (ERROR, 'KeyError', ''),
    }
    wrong = {
        name: states.get(name)
        for name, (state, text, cure) in expected.items()
        if name not in states
        or states[name][0] != state
        or text not in states[name][1]
        or cure not in states[name][2]
    }
    assert not wrong, wrong
    assert all('\n' not in show(f, 20, False) for f in findings)


def test_where_the_package_cannot_be_imported(tmp_path):
    (tmp_path / 'mmaction').mkdir()
    (tmp_path / 'mmaction/__init__.py').write_text('raise ImportError("broken")')
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    done = run_process(
        'bash',
        '-c',
        '$PYTHON -W ignore -m bike_mmaction_cli doctor bike_vitb32_k400',
        PYTHONPATH=f'{tmp_path}:{root}',
    )
    assert done.returncode == 1, done.stderr
    assert 'Traceback' not in done.stdout + done.stderr
    assert 'error    import bike_mmaction' in done.stdout
