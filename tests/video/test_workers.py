"""Tasks in worker processes: a crash or a hang costs one of them."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from bike_mmaction.video import (
    CrashError,
    IsolatedReader,
    TimeLimitError,
    VideoReader,
    WorkerError,
    WorkerPool,
    limit_memory,
)
from tests.kit import ROOT
from tests.kit.videos import write_video

LIMIT = 2.0


def act(task):
    """Does what its name says; else gives its process and a large array."""
    if task == 'abort':
        os.abort()
    if task == 'hang':
        time.sleep(100)
    if task == 'raise':
        raise ValueError('a message')
    if task == 'warn':
        warnings.warn('a warning', stacklevel=1)
    if task == 'unsendable':
        return lambda: 0
    return os.getpid(), np.full((500, 400), len(str(task)), np.uint16)


def is_alive(process):
    """Whether there is such a process, but for one that only awaits a word."""
    try:
        with open(f'/proc/{process}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.fixture(autouse=True)
def no_orphans():
    before = set(multiprocessing.active_children())
    yield
    assert not set(multiprocessing.active_children()) - before


@pytest.mark.parametrize('workers', [1, 3])
def test_each_task_answers_in_its_place(workers):
    tasks = ['a', 'abort', 'bb', 'hang', 'raise', 'abort', 'unsendable', 'ccc', 'warn']
    start = time.monotonic()
    with (
        WorkerPool(act, workers, LIMIT, ahead=4) as pool,
        pytest.warns(UserWarning, match='a warning'),
    ):
        outcomes = list(pool.map(iter(tasks)))
    assert time.monotonic() - start < 50  # a hang would take 100
    for task, (value, error) in zip(tasks, outcomes):
        if task in ('a', 'bb', 'ccc', 'warn'):
            assert error is None and value[0] != os.getpid()
            np.testing.assert_array_equal(value[1], act(task)[1])
            value[1][:] = 0  # may be changed
        elif task in ('abort', 'hang'):
            assert isinstance(error, WorkerError) and error.is_late == (task == 'hang')
    reasons = [str(error) for _, error in outcomes if error is not None]
    assert 'crashed (SIGABRT)' in reasons[0] and 'crashed (SIGABRT)' in reasons[3]
    assert reasons[1] == 'not read within 2 s'
    assert reasons[2] == 'a message' and 'in act' in str(outcomes[4].error.__cause__)
    assert re.search('pickle|local object', reasons[4])


def test_few_are_done_ahead(tmp_path):
    """Memory has a limit, and yet the workers do not wait for this process."""

    def note(number):
        (tmp_path / str(number)).touch()
        return np.zeros(2**20, np.uint8)

    with WorkerPool(note, 2, LIMIT, ahead=3) as pool:
        taken = pool.map(range(50))
        for number in range(4):
            next(taken)
            until = time.monotonic() + 60
            while len(os.listdir(tmp_path)) < number + 7:  # taken, and six ahead
                assert time.monotonic() < until
                time.sleep(0.01)
        time.sleep(0.2)
        assert len(os.listdir(tmp_path)) == 10


def test_others_do_what_a_lost_process_has_left(tmp_path):
    """A task that another one harmed gets a second, clean process."""

    def harm(task):
        marks = tmp_path / str(os.getpid())
        if marks.exists() and task == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        marks.touch()
        return task

    with WorkerPool(harm, 1, LIMIT, ahead=6) as pool:
        assert [value for value, _ in pool.map(range(6))] == list(range(6))
        assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError])
def test_an_error_of_the_user_ends_all(error):
    before = set(multiprocessing.active_children())  # of other tests
    with pytest.raises(error), WorkerPool(act, 2, LIMIT) as pool:
        for number, _ in enumerate(pool.map(['a', 'b', 'hang', 'hang'])):
            if number == 1:
                assert set(multiprocessing.active_children()) - before
                raise error
    assert not set(multiprocessing.active_children()) - before
    assert pool.run('a')[0] != os.getpid()  # may be used again
    pool.close()
    assert not set(multiprocessing.active_children()) - before


SCRIPT = """
import os, sys, time
from bike_mmaction.video import WorkerPool

def act(task):
    print(os.getpid(), flush=True)
    time.sleep(100)

list(WorkerPool(act, 2, 2.0, ahead=1).map('ab'))
"""


@pytest.mark.parametrize('ending', ['SIGKILL', 'SIGINT'])
def test_nothing_outlives_its_parent(ending, tmp_path):
    """Not even what hangs: the system ends that at the limit."""
    process = subprocess.Popen(
        [sys.executable, '-c', SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(getattr(signal, ending))
    process.wait(60)
    until = time.monotonic() + 60
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.stdout.close()


def test_numbers_that_cannot_be():
    for options in (dict(workers=0), dict(time_limit=0), dict(ahead=0)):
        with pytest.raises(ValueError, match='must be positive'):
            WorkerPool(act, **options)


def test_isolated_reader_is_a_reader(tmp_path):
    path = write_video(tmp_path / 'v.mp4', 60, (320, 240))
    reader, other = VideoReader(path), IsolatedReader(path, 5)
    assert len(other) == 60 and other.size == (320, 240) and not other.damage
    np.testing.assert_array_equal(other.times, reader.times)
    np.testing.assert_array_equal(other.frames([7, 3]), reader.frames([7, 3]))
    np.testing.assert_array_equal(other[-1], reader[-1])
    indices = [0, 0, *range(5, 60)]
    of_all = other.iterate()  # two at a time
    images = []
    for image in other.iterate(indices):
        images.append(image)
        next(of_all)
    np.testing.assert_array_equal(images, list(reader.iterate(indices)))
    assert len(list(other.iterate([]))) == 0
    with pytest.raises(IndexError, match='has 60 frames, but not number 60'):
        other.frames([60])
    other.close()


def test_a_file_harms_the_reader_of_its_own(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'v.mp4', 12)
    frames = VideoReader.frames

    def bad_frames(self, indices):
        return {1: os.abort, 2: signal.pause}.get(indices[0], int)() or frames(
            self, indices
        )

    monkeypatch.setattr(VideoReader, 'frames', bad_frames)
    reader = IsolatedReader(path, LIMIT)
    for index, kind, reason in (
        (1, CrashError, 'crashed \\(SIGABRT\\)'),
        (2, TimeLimitError, 'not read within 2 s'),
    ):
        with pytest.raises(kind, match=f'v.mp4.*{reason}'):
            reader.frames([index])
    assert reader.frames([3]).shape == (1, 48, 64, 3)  # goes on
    del reader  # which ends the process


def fill(size):
    """As many bytes as a file may need."""
    return int(np.ones(size, np.uint8)[-1])


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux counts memory so')
def test_memory_limit():
    sizes = [1 << 20, 1 << 29, 1 << 20]
    try:
        limit_memory(1 << 28)
        with WorkerPool(fill, 1) as pool:
            errors = [type(outcome.error) for outcome in pool.map(sizes)]
    finally:
        limit_memory(None)
    assert issubclass(errors.pop(1), MemoryError)
    assert errors == [type(None)] * 2
    with WorkerPool(fill, 1) as pool:
        assert all(outcome.error is None for outcome in pool.map(sizes))
