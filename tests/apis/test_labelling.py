"""Labelling on real files, in real processes that are killed."""

import copy
import csv
import json
import os
import random
import time

import pytest
import torch
from mmengine.config import Config

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.apis import BIKEInferencer, label_videos
from bike_mmaction.apis.inference import batches
from bike_mmaction.datasets.tables import read_table
from bike_mmaction.evaluation.journal import Journal
from tests.kit.models import CLASSES
from tests.kit.numbered import shorten
from tests.kit.tools import environment, run_process, run_python, run_tool
from tests.kit.videos import write_video

COUNT = 40
# Starts the command in copies of a process that has imported all, and kills
# each at once when so many lines are written.
KILL = """
import glob, os, signal, sys, time
import bike_mmaction_cli

out, points, processes, port, *argv = sys.argv[1:]

def counts():
    paths = glob.glob(f'{out}.partial/rank*.jsonl')
    return [open(path, 'rb').read().count(b'\\n') for path in paths]

def lines():
    return sum(counts())

def is_time(point):
    return lines() >= point and len([x for x in counts() if x]) == int(processes)

def start(rank, count):
    pid = os.fork()
    if not pid:
        if count > 1:
            os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), MASTER_PORT=port,
                              WORLD_SIZE=str(count), MASTER_ADDR='127.0.0.1')
            argv.extend(['--launcher', 'pytorch'])
        try:
            bike_mmaction_cli.run('label', argv)
        finally:
            os._exit(1)
    return pid

for point in map(int, points.split(',')):
    pids = [start(rank, int(processes)) for rank in range(int(processes))]
    while not is_time(point):
        time.sleep(0.001)
        assert os.waitpid(pids[0], os.WNOHANG) == (0, 0), 'it has ended'
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL, 'it has ended'
    assert not os.path.exists(out)
    print(lines(), flush=True)  # no fork may have it in its buffer
"""


@pytest.fixture(scope='module')
def many(tmp_path_factory):
    """Forty videos in folders; of one a part is missing, and one is cut off."""
    folder = tmp_path_factory.mktemp('many')
    for i in range(COUNT):
        path = folder / f'videos/class {i % 3}/v{i}.mp4'
        write_video(path, 16, seed=i, options=dict(movflags='faststart') if i else None)
    for name, share in (('class 0/v9', 0.7), ('class 0/v0', 0.3)):
        shorten(folder / f'videos/{name}.mp4', share)
    return folder


@pytest.fixture(scope='module')
def model(bike, folder):
    """Options of the command."""
    return [
        *('--config', folder / 'small.py', '--checkpoint', folder / 'model.pth'),
        *'--device cpu --batch-size 2 --workers 1 --topk 2 --classes'.split(),
        'a dog,playing chess,yoga',
    ]


def argv(many, out, model):
    return [many / 'videos', '--out', out, *model]


def run(*args):
    done = run_python('tools/label.py', *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def whole(many, model):
    """What an undisturbed run writes."""
    run(*argv(many, many / 'whole.jsonl', model))
    return many / 'whole.jsonl'


def rows_of(path):
    return list(map(json.loads, path.read_text().splitlines()))


def journals(out):
    """Items of each process, one after the other."""
    paths = sorted(out.with_name('out.jsonl.partial').glob('rank*.jsonl'))
    lines = [path.read_text().splitlines() for path in paths]
    return [[json.loads(x)['index'] for x in part if x[-1:] == '}'] for part in lines]


def kill(out, points, processes, arguments):
    """Kill runs when so many lines are written; how many then were."""
    port = environment()['PORT']
    points = ','.join(map(str, points))
    done = run_python('-c', KILL, out, points, processes, port, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(line) for line in done.stdout.splitlines() if line.isdigit()]


def test_rows(whole, many):
    """One for each video, in order; what is wrong is said of one alone."""
    rows = rows_of(whole)
    files = sorted(map(str, (many / 'videos').rglob('*.mp4')))
    assert [row['path'] for row in rows] == files and len(files) == COUNT
    bad = [row for row in rows if row['error']]
    assert [row['path'][-14:] for row in bad] == ['class 0/v0.mp4']
    assert 'index (moov) is missing' in bad[0]['error'] and not bad[0]['predictions']
    damaged = [row for row in rows if 'cut off' in (row['warning'] or '')]
    assert [row['path'][-14:] for row in damaged] == ['class 0/v9.mp4']
    for row in rows:
        names = [one['class'] for one in row['predictions'] or ()]
        assert row['error'] or (row['label'] == names[0] and set(names) < set(CLASSES))
    about = json.loads((whole.parent / 'whole.jsonl.about.json').read_text())
    assert about['counts']['rows'] == COUNT and about['counts']['unreadable'] == 1
    assert about['settings']['classes'] == CLASSES
    assert len(about['checkpoint']['sha256']) == 64 and 'torch' in about['versions']


def test_killed_three_times(many, whole, model, tmp_path):
    out, seed = tmp_path / 'out.jsonl', time.time()
    points = sorted(random.Random(seed).sample(range(1, COUNT - 10), 3))
    counts = kill(out, points, 1, argv(many, out, model))
    assert len(counts) == 3 and counts[-1] < COUNT, (points, counts)
    journal = tmp_path / 'out.jsonl.partial/rank0.jsonl'
    before = journal.read_bytes()
    journal.write_bytes(before + b'{"index": 3, "label": "a d')  # torn by a kill
    run(*argv(many, out, model))
    assert out.read_bytes() == whole.read_bytes(), (points, seed)
    assert journal.read_bytes().startswith(before)  # it has gone on
    journal.write_bytes(
        journal.read_bytes().replace(b'{"index": 3, "label": "a d\n', b'')
    )
    (items,) = journals(out)
    assert len(items) <= COUNT + 3 and set(items) == set(range(COUNT))


def test_killed_in_two_processes_and_on_in_one(many, whole, model, tmp_path):
    out = tmp_path / 'out.jsonl'
    kill(out, [9], 2, argv(many, out, model))
    assert (tmp_path / 'out.jsonl.partial/rank1.jsonl').exists()
    run(*argv(many, out, model))
    assert out.read_bytes() == whole.read_bytes()
    assert sum(map(len, journals(out))) <= COUNT + 4  # nothing is done again


def test_two_processes(many, whole, model, tmp_path):
    out = tmp_path / 'out.jsonl'
    done = run_process('bash', 'tools/dist_label.sh', 2, *argv(many, out, model))
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole.read_bytes()
    first, second = journals(out)
    assert sorted(first + second) == list(range(COUNT)) and len(first) == len(second)
    assert done.stdout.count(f"'{out}': {COUNT} rows, 1 with a warning, 1 with an") == 1


def test_files_that_break_their_reader(bike, folder, tmp_path):
    """Each costs its own row."""
    cfg = copy.deepcopy(bike.model.cfg)
    cfg.test_pipeline.insert(-2, dict(type='DecodeOrBreak'))
    options = dict(device='cpu', workers=2, time_limit=1.5)
    breaking = BIKEInferencer(cfg, str(folder / 'model.pth'), **options)
    for seed, name in enumerate('v0 v1abort v2 v3hang v4 v5'.split()):
        write_video(tmp_path / f'videos/{name}.mp4', seed=seed)
    (tmp_path / 'videos/v6.mp4').write_bytes(b'no video')
    out = tmp_path / 'out.jsonl'
    counts = label_videos(breaking, tmp_path / 'videos', out, CLASSES, batch_size=2)
    assert counts == dict(rows=7, unreadable=3, with_warning=0)
    errors = {row['path'][-8:]: row['error'] for row in rows_of(out) if row['error']}
    for name, reason in (
        ('bort.mp4', 'the process that read it crashed (SIGABRT)'),
        ('hang.mp4', 'not read within 1.5 s'),
        ('s/v6.mp4', ''),
    ):
        assert reason in errors.pop(name)
    assert not errors


@pytest.fixture
def quick(bike):
    """The same recognizer, which reads in its own process."""
    bike = copy.copy(bike)
    bike.workers = 0
    return bike


@pytest.fixture
def few(tmp_path):
    """Three videos, and one that is not there."""
    paths = [str(tmp_path / f'few/v{i}.mp4') for i in range(4)]
    for seed, path in enumerate(paths[:3]):
        write_video(path, 8, seed=seed)
    return paths


def without_path(rows):
    return [{k: v for k, v in row.items() if k != 'path'} for row in rows]


def test_inputs_and_outputs(quick, few, tmp_path):
    """The same rows; columns are kept, and a video in two rows is read once."""
    (tmp_path / 'list.txt').write_text('v0.mp4\nv1.mp4\nv2.mp4\n')
    (tmp_path / 'mm.txt').write_text(''.join(f'v{i}.mp4 {i} 7\n' for i in range(3)))
    table = [('label', 'file'), *((f'"{i}"', f'v{i % 3}.mp4') for i in range(4))]
    with open(tmp_path / 'table.csv', 'w', newline='') as file:
        csv.writer(file).writerows(table)
    root = dict(root=str(tmp_path / 'few'))
    inputs = [
        (str(tmp_path / 'few'), {}),
        (few[:3], {}),
        (str(tmp_path / 'list.txt'), root),
        (str(tmp_path / 'mm.txt'), root),
        (str(tmp_path / 'table.csv'), dict(root, path_column='file')),
    ]
    rows = []
    for number, (given, options) in enumerate(inputs):
        out = tmp_path / f'out{number}.jsonl'
        label_videos(quick, given, out, CLASSES, batch_size=4, **options)
        rows.append(rows_of(out))
    assert without_path(rows[1]) == without_path(rows[2]) == without_path(rows[0])
    assert [row.pop('labels') for row in rows[3]] == ['0 7', '1 7', '2 7']
    assert rows[3] == rows[2] and [row['path'] for row in rows[2]][0] == 'v0.mp4'
    kept = [(row.pop('input_label'), row.pop('file')) for row in rows[4]]
    assert kept == table[1:]
    assert rows[4] == [*without_path(rows[2]), without_path(rows[2])[0]]
    for kind in ('csv', 'tsv'):
        out = tmp_path / f'out.{kind}'
        label_videos(quick, few, out, CLASSES)
        given = list(read_table(str(out)))
        assert [json.loads(row['predictions'] or '0') for row in given] == [
            *(row['predictions'] for row in rows[0]),
            0,
        ]
        assert 'no such file' in given[3]['error'] and not given[3]['label']


def test_parquet(quick, few, tmp_path):
    pyarrow = pytest.importorskip('pyarrow', reason='pyarrow is not installed')
    from pyarrow import parquet

    columns = dict(path=[*few, None, few[0]], number=range(6), label=[[1, 2]] * 6)
    parquet.write_table(pyarrow.table(columns), tmp_path / 'in.parquet')
    given = str(tmp_path / 'in.parquet')
    for kind in ('parquet', 'jsonl'):
        label_videos(quick, given, tmp_path / f'out.{kind}', CLASSES)
    table = parquet.read_table(tmp_path / 'out.parquet')
    assert table.to_pylist() == rows_of(tmp_path / 'out.jsonl')
    assert table['number'].to_pylist() == list(range(6))
    assert table.schema.field('input_label').type == pyarrow.list_(pyarrow.int64())
    errors = table['error'].to_pylist()
    assert [bool(error) for error in errors] == [False] * 3 + [True] * 2 + [False]


def test_other_settings_are_not_mixed(quick, few, folder, tmp_path):
    """Neither with a result, nor with what is done of one."""
    (tmp_path / 'list.txt').write_text('\n'.join(few))
    out = tmp_path / 'out.csv'
    given = dict(inputs=str(tmp_path / 'list.txt'), out=out, classes=CLASSES)
    label_videos(quick, **given)
    weights = torch.load(folder / 'model.pth')
    weights['state_dict']['cls_head.logit_scale'] += 1e-3
    torch.save(weights, tmp_path / 'other.pth')
    views, prompt = (Config.fromfile(folder / 'small.py') for _ in range(2))
    prompt.model.cls_head.prompt = 'a {}'

    def other(cfg, checkpoint=folder / 'model.pth', **options):
        return BIKEInferencer(cfg, str(checkpoint), 'cpu', workers=0, **options)

    changes = [
        ('topk', dict(topk=1)),
        ('threshold', dict(threshold=0.5)),
        ('classes', dict(classes=['a dog', 'yoga'])),
        ('videos', dict(inputs=few[:2])),
        ('weights', dict(bike=other(views, tmp_path / 'other.pth'))),
        ('pipeline', dict(bike=other(views, views='2x1'))),
        ('prompt', dict(bike=other(prompt))),
    ]
    wrong = []
    for is_there in (True, False):
        if not is_there:
            out.unlink()
        for name, change in changes:
            options = {**dict(bike=quick), **given, **change}
            try:
                label_videos(**options)
                wrong.append(f'{name}: not refused')
            except ValueError as error:
                place = out if is_there else f'{out}.partial'
                if f"'{place}' was made with another '{name}'" not in str(error):
                    wrong.append(f'{name}: {error}')
    assert not wrong, '\n'.join(wrong)
    label_videos(quick, **given, batch_size=2)
    assert out.exists()
    label_videos(quick, **given, overwrite=True, topk=1)
    assert (
        json.loads((tmp_path / 'out.csv.about.json').read_text())['settings']['topk']
        == 1
    )


def test_what_could_not_be_read_is_tried_again(quick, few, tmp_path, monkeypatch):
    out = tmp_path / 'out.jsonl'
    given = dict(inputs=few, out=out, classes=CLASSES, batch_size=1)
    assert label_videos(quick, **given)['unreadable'] == 1
    write_video(few[3], 8)
    monkeypatch.setattr(batches, 'score', None)  # nothing is computed
    assert label_videos(quick, **given)['unreadable'] == 1
    monkeypatch.undo()
    assert label_videos(quick, **given, retry=True)['unreadable'] == 0
    assert rows_of(out)[3]['label'] and not (tmp_path / 'out.jsonl.partial').exists()
    (tmp_path / 'alien.csv').write_text('x')
    with pytest.raises(FileExistsError, match='write over it with --overwrite'):
        label_videos(quick, few, tmp_path / 'alien.csv', CLASSES)
    assert not (tmp_path / 'alien.csv.partial').exists()


def test_windows(bike, few, tmp_path):
    """A row for each piece; one for a file that cannot be read."""
    write_video(few[1], 50)
    out = tmp_path / 'out.csv'
    options = dict(window=1, stride=0.5)
    label_videos(bike, few[1:], out, CLASSES, batch_size=2, **options)
    rows = list(read_table(str(out)))
    names = [(row['path'][-6:], row['start'], row['end']) for row in rows]
    assert names == [
        *[('v1.mp4', f'{start}', f'{start + 1}') for start in (0.0, 0.5, 1.0)],
        ('v2.mp4', '0.0', '0.32'),
        ('v3.mp4', '', ''),
    ]
    expected = bike.timeline(few[1], CLASSES, **options)
    assert [row['label'] for row in rows[:3]] == [one.label for one in expected]
    assert [bool(row['error']) for row in rows] == [False] * 4 + [True]
    with pytest.raises(ValueError, match="another 'window': 1, now it is 2"):
        label_videos(bike, few[1:], out, CLASSES, window=2, stride=0.5)


def test_stopped_at_the_very_end(quick, few, tmp_path, monkeypatch):
    """A result that is there is complete; --overwrite makes it anew."""
    out = tmp_path / 'out.jsonl'
    name = os.fsencode(tmp_path / 'few') + b'/caf\xe9.mp4'
    os.rename(few[2], name)
    given = dict(inputs=[*few[:2], os.fsdecode(name)], out=out, classes=CLASSES)
    monkeypatch.setattr(Journal, 'remove', Journal.release)
    label_videos(quick, **given)
    assert rows_of(out)[2]['label'] and rows_of(out)[2]['path'][-4:] == '.mp4'
    assert rows_of(out)[2]['path'] == os.fsdecode(name)
    monkeypatch.undo()
    before = out.stat()
    monkeypatch.setattr(batches, 'score', None)  # nothing is computed
    label_videos(quick, **given)
    assert out.stat() == before and not (tmp_path / 'out.jsonl.partial').exists()
    with pytest.raises(TypeError):
        label_videos(quick, **given, overwrite=True)
    assert not out.exists()


def test_ctrl_c(few, model, tmp_path, monkeypatch, capsys):
    """Keeps what is done; the same command goes on."""
    compute, calls, out = batches.score, [], tmp_path / 'out.jsonl'

    def stopped(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compute(*args)

    monkeypatch.setattr(batches, 'score', stopped)
    with pytest.raises(SystemExit) as end:
        run_tool('label', *few, '--out', out, *model)
    assert end.value.code == 130 and not out.exists()
    assert f"'{out}.partial'; the same command goes on" in capsys.readouterr().err
    run_tool('label', *few, '--out', out, *model)
    assert len(calls) == 3 and len(rows_of(out)) == 4
