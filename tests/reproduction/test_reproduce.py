"""A table of the paper, reproduced with what is at hand."""

import contextlib
import copy
import hashlib
import io
import json
import os
import os.path as osp
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
from bike_mmaction.reproduction import (
    TABLES,
    Planner,
    Settings,
    find_shipped,
    read_index,
    rows_of,
)
from bike_mmaction.reproduction.plan import PlannedRow, Weights
from bike_mmaction.reproduction.remarks import remarks_of
from bike_mmaction.reproduction.report import cells, compare, means_of_splits
from bike_mmaction.reproduction.running import only_one, reason_in
from bike_mmaction.reproduction.settings import encoders
from tests.golden import fixture
from tests.kit.configs import load_config
from tests.kit.models import tiny_arch, write_clip
from tests.kit.tools import convert_released, free_port, run_tool, start_process
from tests.kit.videos import write_video

VIDEO, MEAN = 'bike_vitb32_k400', 'bike_vitb32_meanpool_k400'
ATTRIBUTES = 'bike_vitb32_attributes_k400'
EPOCHS = 3
# Of a released fixture whose images have the size of the configs' crops.
ARCH = tiny_arch(image_size=224, patch_size=112)


def shipped():
    return read_index(find_shipped('configs'))


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


def reproduce(*args):
    """Run the tool in this process: its exit status, or message."""
    try:
        return run_tool('reproduce', *args) or 0
    except SystemExit as end:
        return end.code


def read_table(folder, table='ablations'):
    rows = json.loads((folder / f'{table}.json').read_text())['rows']
    return {row['model']: row for row in rows if 'model' in row}


# --- the plan


@pytest.mark.parametrize('table', TABLES)
def test_plan_with_nothing_at_hand(table, tmp_path, monkeypatch, capsys):
    """What is missing is named, with the command that makes it."""
    monkeypatch.chdir(tmp_path)
    assert reproduce(table, '--plan') == 0
    printed = capsys.readouterr().out
    index = shipped()
    rows = rows_of(index, table)
    assert f'{len(rows)} with something missing' in printed
    for row in rows:
        assert f' {row.name} ' in printed
        cfg = Config.fromfile(index.configs[row.name])
        assert f"list '{own_dataset(cfg, 'test')['ann_file']}'" in printed
    assert (
        '-> bash tools/demo.sh'
        if table == 'demo'
        else '-> python tools/data/prepare.py kinetics400 --annotations '
    ) in printed
    assert not os.listdir(tmp_path)  # a plan writes nothing


def touch(path):
    os.makedirs(osp.dirname(path) or '.', exist_ok=True)
    with open(path, 'a'):
        pass
    return path


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """Lists and folders of Kinetics-400 and HMDB-51, that are empty."""
    monkeypatch.chdir(tmp_path)
    for name in (VIDEO, 'bike_vitl14_16f_hmdb51_split1'):
        cfg = Config.fromfile(shipped().configs[name])
        for split in ('train', 'val'):
            dataset = own_dataset(cfg, split)
            touch(dataset['ann_file'])
            os.makedirs(dataset['data_prefix']['video'], exist_ok=True)
    return tmp_path


def states(printed):
    """State by row, of the lines of a plan."""
    lines = [line.split() for line in printed.splitlines()]
    return {
        line[1]: ' '.join(line) for line in lines if len(line) > 4 and line[0].isdigit()
    }


def test_plan_with_lists_only(lists, capsys):
    """Then everything is trained; what others start from comes first."""
    assert reproduce('general', '--plan', '--gpus', 8) == 0
    printed = capsys.readouterr().out
    found = states(printed)
    assert found['bike_vitl14_k400'].endswith('13.9 h, 32 GPUs 18.6 GB train')
    assert found['bike_vitl14_16f_hmdb51_split1'].endswith(
        'not known 18.6 GB train, after bike_vitl14_16f_k400'
    )
    assert 'missing' in found['bike_vitl14_16f_activitynet']
    # The attributes are of the first stage's videos, and are not there.
    assert 'missing' in found[ATTRIBUTES]
    assert "Hours of the authors' trainings: 137.7 in all, of 3 not known" in printed
    assert "'openai' of ViT-L-14-quickgelu" in printed


def test_plan_with_checkpoints(lists, capsys):
    """From a folder, by name, and of a model that others start from."""
    touch('own/bike_vitl14_16f_k400.pth')
    epochs = Config.fromfile(shipped().configs['bike_vitb16_k400']).train_cfg.max_epochs
    touch(f'own/bike_vitb16_k400/epoch_{epochs}.pth')
    touch('other.pth')
    args = [
        'general',
        '--plan',
        '--rows',
        'bike_vitl14_16f_k400',
        'bike_vitb16_k400',
        'bike_vitl14_k400',
        'bike_vitl14_16f_hmdb51_split1',
        '--checkpoints',
        'own',
        'bike_vitl14_k400=other.pth',
    ]
    reproduce(*args)
    found = states(capsys.readouterr().out)
    for name in ('bike_vitl14_16f_k400', 'bike_vitb16_k400', 'bike_vitl14_k400'):
        assert found[name].endswith(' test only')
    assert found['bike_vitl14_16f_hmdb51_split1'].endswith(' train')
    reproduce(*args, '--train')
    found = states(capsys.readouterr().out)
    assert found['bike_vitl14_k400'].endswith(' train')


@pytest.mark.parametrize(
    'args,message',
    [
        (['table-1'], 'invalid choice'),
        (['general', '--rows', 'bike_vitl14'], "has no row 'bike_vitl14'"),
        (['general', '--checkpoints', 'none'], "'none' is neither a folder nor"),
        (['general', '--checkpoints', 'a=b.pth'], "'a' is no model of"),
        (['general', '--checkpoints', f'{VIDEO}=b.pth'], "'b.pth' does not exist"),
        (['general', '--data-root', 'none'], "'none' is no folder"),
        (['general', '--gpus', '0'], 'must be positive'),
        (['general', '--index', 'none.yml'], "'none.yml'"),
        (['general', '--cfg-options', 'clip_len=4'], 'would have no effect'),
    ],
)
def test_what_is_refused(args, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = reproduce(*args)
    said = capsys.readouterr().err if code == 2 else str(code)
    assert message in said
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    'content, message',
    [
        ('- a', "has no 'Models'"),
        ('Models: 3', "'Models' must be a list"),
        ('Models: [{Name: a}]', "each has ['Config', 'Name', 'Results']"),
        ('Models: [', 'is not YAML'),
    ],
)
def test_index_of_another_form(content, message, tmp_path):
    (tmp_path / 'index.yml').write_text(content)
    said = reproduce('general', '--index', tmp_path / 'index.yml', '--plan')
    assert 'index.yml' in said and message in said


def planned(row, **results):
    """A row that is done."""
    results = dict(
        dict(
            videos=dict(evaluated=9),
            list=dict(videos=9, fingerprint='f'),
            views='1x1',
            checkpoint=None,
            model={},
        ),
        **results,
    )
    return PlannedRow(row, Config(), '', Weights('pretrained'), (), results)


def test_mean_of_the_splits():
    """As published for Kinetics-600, and of what was measured."""
    rows = [
        planned(row, metrics={'zero_shot_video/full_top1': 0.7 + 0.01 * i})
        for i, row in enumerate(
            r for r in rows_of(shipped(), 'zero-shot') if 'k600' in r.name
        )
    ]
    found = means_of_splits(
        rows,
        [
            dict(
                views='1x1',
                figures=[compare(p.row.entry, p.row.figures[0], p.results['metrics'])],
            )
            for p in rows
        ],
    )
    (line,) = cells(found, [])[1:]
    assert line[0] == 'Kinetics-600, mean of 3 splits'
    assert line[4:8] == ['68.53 ± 1.23', '', '71.00 ± 0.82', '+2.47']


@pytest.mark.parametrize(
    'changes,remarks',
    [
        (dict(checkpoint=dict(sha256='a')), []),
        (dict(checkpoint=dict(sha256='a'), views='4x3'), ['tested with the views 4x3']),
        (dict(), ['not trained: random weights']),
        (dict(model=dict(pretrained='openai')), ["not trained: CLIP's own weights"]),
    ],
)
def test_what_is_not_comparable(changes, remarks):
    row = next(r for r in rows_of(shipped(), 'general') if r.views == '1x1')
    done = planned(row)
    done.results.update(changes)
    assert remarks_of(done, None, Settings('w')) == remarks


def test_batch_is_the_authors_with_any_number_of_gpus(lists):
    index = shipped()
    rows = [r for r in rows_of(index, 'general') if r.name == ATTRIBUTES]
    for given, gpus, batch in (
        ({}, 4, 64),
        ({}, 3, 32),
        ({'train_dataloader.batch_size': 8}, 4, 8),
    ):
        (row,) = Planner(
            index, rows, Settings('w', gpus=gpus, cfg_options=given)
        ).plan()
        for training in row.weights.trainings:
            assert training.config.train_dataloader.batch_size == batch


# --- running


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


def results_of(folder, name):
    (path,) = (folder / name).glob('test_1x1/*/results.json')
    return json.loads(path.read_text())


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


@pytest.mark.parametrize(
    'log,reason',
    [
        ('Traceback ...\nValueError: too small\n', 'too small'),
        ('a\ntest: checkpoint is absent\n', 'checkpoint is absent'),
        (
            "[rank1]: bike_mmaction.errors.PipelineError: 'a.mp4': bad\n"
            'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n',
            "'a.mp4': bad",
        ),
        ('Killed\n', 'Killed'),
        ('', 'ended without a word'),
    ],
)
def test_reason_of_a_failure(log, reason, tmp_path):
    (tmp_path / 'log.txt').write_text(log)
    assert reason_in(str(tmp_path / 'log.txt')) == reason
