"""Own videos read in worker processes: the same results, and no file harms another."""

import copy
import json
import multiprocessing
import os
import os.path as osp
import signal
import time

import numpy as np
import pytest

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.apis import BIKEInferencer, ResultWriter
from bike_mmaction.apis.inference import batches
from bike_mmaction.apis.inference.reading import read_sources
from bike_mmaction.apis.inference.sources import Source
from bike_mmaction.web.page import WebPage
from tests.kit.models import CLASSES
from tests.kit.tools import run_tool
from tests.kit.videos import write_video
from tests.kit.web import drop

LIMIT = 1.5


@pytest.fixture(autouse=True)
def no_orphans():
    yield
    assert not multiprocessing.active_children()


@pytest.fixture(scope='module')
def misbehaving(bike, folder):
    """The same recognizer, with a pipeline that some files break."""
    cfg = copy.deepcopy(bike.model.cfg)
    cfg.test_pipeline.insert(-2, dict(type='DecodeOrBreak'))
    return BIKEInferencer(
        cfg, str(folder / 'model.pth'), device='cpu', workers=2, time_limit=LIMIT
    )


@pytest.fixture
def hostile(tmp_path):
    """Eight files, of which four cannot be read."""
    names = 'v0 v1abort v2 v3hang v4 v5 v6abort v7fifo'.split()
    for seed, name in enumerate(names[:-1]):
        write_video(tmp_path / f'{name}.mp4', seed=seed)
    os.mkfifo(tmp_path / 'v7fifo.mp4')
    return tmp_path


def with_workers(bike, workers):
    bike = copy.copy(bike)
    bike.workers = workers
    return bike


def test_workers_change_nothing(bike, videos, tmp_path):
    """Also where files are cut off, and of pictures."""
    for workers in (1, 3):
        other = with_workers(bike, workers)
        for inputs in (videos, [videos[2]]):
            one, two = (
                [r.to_dict() for r in b(inputs, CLASSES)]
                for b in (with_workers(bike, 0), other)
            )
            assert one == two
    contents = []
    for workers in (0, 2):
        writer = ResultWriter(tmp_path / str(workers), ('json', 'png'))
        other = with_workers(bike, workers)
        other.timeline(videos[1], CLASSES, window=0.5, writer=writer)
        other(videos[2:4], CLASSES, writer=writer)
        paths = sorted((tmp_path / str(workers)).iterdir())
        contents.append({path.name: path.read_bytes() for path in paths})
    assert contents[0] == contents[1] and len(contents[0]) == 5


def test_a_file_costs_its_own_result(misbehaving, hostile):
    start = time.monotonic()
    recognitions = misbehaving(str(hostile), CLASSES, batch_size=1)
    assert time.monotonic() - start < 50  # a hang would take 100
    good = [str(hostile / f'v{i}.mp4') for i in (0, 2, 4, 5)]
    alone = with_workers(misbehaving, 0)(good, CLASSES, batch_size=1)
    assert [r for r in recognitions if not r.error] == alone
    reasons = {os.path.basename(r.source): r.error for r in recognitions if r.error}
    for name, reason in (
        ('v1abort.mp4', 'the process that read it crashed (SIGABRT)'),
        ('v3hang.mp4', 'not read within 1.5 s'),
        ('v6abort.mp4', 'the process that read it crashed (SIGABRT)'),
        ('v7fifo.mp4', 'it is a pipe (FIFO), not a file'),
    ):
        assert reasons.pop(name) == f"cannot use '{hostile / name}': {reason}"
    assert not reasons


def test_reading_goes_on_while_somebody_computes(tmp_path):
    """The next batch is read before somebody asks for it."""

    def reader(source):
        (tmp_path / source.name).touch()
        return dict(inputs=int(source.name))

    sources = [Source(str(i), np.zeros((1, 2, 2, 3), np.uint8)) for i in range(40)]
    readings = read_sources(reader, sources, 2, LIMIT, batch_size=4)
    numbers = [next(readings).data['inputs'] for _ in range(4)]
    deadline = time.monotonic() + 60
    while not (tmp_path / '7').exists():  # as the model would compute
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(list(tmp_path.iterdir())) < 40  # not all that there is
    numbers += [reading.data['inputs'] for reading in readings]
    assert numbers == list(range(40))


def test_windows_of_a_file_that_hangs_are_not_waited_for(misbehaving, hostile):
    write_video(hostile / 'long_hang.mp4', 150)
    start = time.monotonic()
    recognitions = misbehaving.timeline(
        str(hostile / 'long_hang.mp4'), CLASSES, window=0.5, stride=0.25
    )
    assert len(recognitions) == 23
    assert time.monotonic() - start < 23 * LIMIT / 2  # not each of them
    assert all('not read within 1.5 s' in r.error for r in recognitions)


def test_the_page_goes_on(misbehaving, hostile):
    pytest.importorskip('gradio', reason='Gradio is not installed')
    page = WebPage(misbehaving)
    for window in (0, 0.5):
        for name, expected in (
            ('v1abort', 'crashed (SIGABRT)'),
            ('v3hang', 'not read within 1.5 s'),
            ('v0', '## '),
        ):
            video = drop(page, hostile / f'{name}.mp4')
            summary, *fields = page.recognize(video, 'a dog, yoga', 0, window)
            assert expected in summary
            assert ('Not recognized' in summary) == (name != 'v0')
            assert any(field['visible'] for field in fields) == (name == 'v0')
    page.close()


def test_a_file_alone_has_a_limit(misbehaving, hostile, folder, tmp_path, capsys):
    misbehaving.model.cfg.dump(tmp_path / 'config.py')
    options = ['--config', tmp_path / 'config.py', '--checkpoint', folder / 'model.pth']
    options += ['--classes', 'a dog,yoga', '--device', 'cpu', '--time-limit', LIMIT]
    with pytest.raises(SystemExit) as end:
        run_tool('infer', hostile / 'v3hang.mp4', *options)
    assert end.value.code == 1
    assert 'v3hang.mp4' in (said := capsys.readouterr().out) and 'not read w' in said


@pytest.mark.parametrize(
    'name, options, status, done',
    [
        ('SIGINT', [], 130, ['v0', 'v1', 'v2', 'v3']),
        ('SIGTERM', ['--window', '0.2', '--stride', '0.02'], 143, ['v0'] * 4),
    ],
)
def test_a_stop_keeps_what_is_done(
    bike, videos, folder, tmp_path, monkeypatch, capsys, name, options, status, done
):
    compute, calls = batches.score, []

    def stopped(*args):
        calls.append(args)
        if len(calls) == 2:
            signal.raise_signal(getattr(signal, name))
        return compute(*args)

    monkeypatch.setattr(batches, 'score', stopped)
    options += '--device cpu --workers 2 --time-limit 20 --classes a,b --json'.split()
    model = '--config', folder / 'small.py', '--checkpoint', folder / 'model.pth'
    with pytest.raises(SystemExit) as end:
        run_tool('infer', *videos, *model, *options, tmp_path / 'out.json')
    assert end.value.code == status
    results = json.loads((tmp_path / 'out.json').read_text())
    assert [osp.basename(result['source']) for result in results] == [
        f'{stem}.mp4' for stem in done
    ]
    printed = capsys.readouterr()
    assert f'{done[-1]}.mp4' in printed.out and 'stopped: 4 results' in printed.err
