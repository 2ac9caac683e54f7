"""Who hangs is named: the verdicts on made-up times, and real processes."""

import os
import re
import signal
import socket
import sys
import threading
import time

import pytest

from bike_mmaction.ranks import Judge, Word
from tests.kit.tools import environment, run_process, start_process

# Computes batches of a second's tenth; the processes meet in each.
PROGRAM = """
import os, sys, time
import torch, torch.distributed as dist
import bike_mmaction
from mmengine.dist import init_dist
from bike_mmaction.cli.mistakes import mistakes_in_one_line
from bike_mmaction.ranks import note

with mistakes_in_one_line('program'):
    init_dist('pytorch', patience=2, timeout=20)
    os.write(1, f'rank {dist.get_rank()} is process {os.getpid()}\\n'.encode())
    for batch in range(10**6):
        note(f'reading batch {batch}')
        while batch == 10 and dist.get_rank() and os.path.exists(sys.argv[1]):
            time.sleep(0.1)  # is slow, no more
        note(f'computing batch {batch}')
        dist.all_reduce(torch.ones(1))
        time.sleep(0.1)
"""


class Story:
    """Words of processes, told at times; what is said of them."""

    def __init__(self, patience=50):
        self.judge, self.now, self.beat = Judge(patience), 0, 0

    def tell(self, seconds, *steps, waits=()):
        """Ranks tell these steps, None is silent; every 5 s for so long."""
        said = []
        for _ in range(seconds // 5):
            self.now += 5
            self.beat += 1
            for rank, step in enumerate(steps):
                self.judge.expect(rank, self.now)
                if step is not None:
                    word = Word(self.beat, step, f'at {step}', name=f'rank {rank}')
                    word = word._replace(waits=rank in waits)
                    self.judge.hear(rank, word, self.now)
            said += self.judge.messages(self.now)
        return said


def test_verdicts():
    story = Story()
    assert not story.tell(45, 1, 1)
    assert not story.tell(20, 2, 2)
    (silent,) = story.tell(55, 2, None)  # both have been at 2, one is silent
    assert silent.startswith('rank 1, last seen at 2, has not been heard of for 50 s')
    assert not story.tell(40, 2, None)  # not again at once
    assert len(story.tell(20, 2, None)) == 1  # but after twice the time
    (again,) = story.tell(5, 3, 3)
    assert again == 'rank 1 goes on: it is at 3'
    # The one behind is waited for, not the one ahead.
    assert not story.tell(5, 5, 4)
    (stuck,) = story.tell(50, 5, 4)
    assert stuck.startswith('rank 1 has been at 4 for 50 s, and the others wait for it')
    story.tell(5, 6, 6)
    # It was slow, no more: from now on twice as long is usual.
    assert not story.tell(95, 8, 7)
    assert story.tell(10, 8, 7)[0].startswith('rank 1 has been at 7 for 100 s')
    # A process that has done its part is not behind, though it did less.
    story = Story()
    assert not story.tell(45, 3, 10, waits={0})
    assert not story.tell(45, 3, 11, waits={0})
    assert story.tell(60, 3, 12, waits={0})[0].startswith('rank 1 has been at 12')
    # All at once: nobody is to blame.
    story = Story()
    (all_of_them,) = story.tell(60, 3, 3)
    assert all_of_them.startswith('none of the 2 processes has gone on for 50 s')


@pytest.fixture
def launch(tmp_path):
    """Starts the program; ends what is left of it, also where a test fails."""
    started = []

    def start():
        started.append(start_program(tmp_path))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            kill(process)
            process.wait()


def kill(process):
    """With its workers, which are in sessions of their own."""
    with open(f'/proc/{process.pid}/task/{process.pid}/children') as file:
        pids = [process.pid, *map(int, file.read().split())]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def start_program(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(PROGRAM)
    (tmp_path / 'slow').touch()
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2']
    port = f'--master_port={environment()["PORT"]}'
    return start_process(*command, port, program, tmp_path / 'slow')


def read_until(process, words, lines, seconds=90):
    # Killed, it ends the lines: nobody waits for them for ever.
    timer = threading.Timer(seconds, kill, [process])
    timer.start()
    try:
        for line in iter(process.stdout.readline, ''):
            lines.append(line)
            if words in line:
                return line
    finally:
        timer.cancel()
    raise AssertionError(f'{words!r} is not in\n' + ''.join(lines))


@pytest.mark.slow
def test_a_slow_process_goes_on_and_a_stopped_one_ends_the_run(launch, tmp_path):
    for stopped in (1, 0):  # the first one does the watching, if it can
        process, lines = launch(), []
        pids = {}
        for _ in range(2):
            _, rank, _, _, pid = read_until(process, ' is process ', lines).split()
            pids[int(rank)] = int(pid)
        said = read_until(process, ' has been ', lines)
        assert re.search(r'rank 1 \(.*reading batch 10 for \d+ s, and the others', said)
        (tmp_path / 'slow').unlink()
        assert 'rank 1 (' in read_until(process, ') goes on: it is ', lines)
        os.kill(pids[stopped], signal.SIGSTOP)
        start = time.time()
        said = read_until(process, 'has not been heard of', lines)
        assert f'rank {stopped} (' in said and f'process {pids[stopped]})' in said
        assert 'ing batch ' in said
        assert time.time() - start < 60  # the longest that anybody should wait
        if not stopped:
            for pid in (*pids.values(), process.pid):
                os.kill(pid, signal.SIGKILL)
            process.communicate(timeout=60)
            continue
        said = read_until(process, 'program: error: ', lines)
        assert 'no answer from another process' in said
        assert f'rank {stopped} (' in said
        os.kill(pids[stopped], signal.SIGKILL)  # torch's launcher would in 30 s
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert not any('Traceback' in line for line in lines), ''.join(lines)


def test_a_port_in_use_is_told_in_one_line():
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        done = run_process('bash', 'tools/dist_train.sh', 'x', 2, PORT=str(port))
    assert done.returncode != 0
    assert done.stderr == (
        f'dist_launch.sh: error: port {port} is in use by another job: leave PORT '
        'unset for a free one, or set it to another\n'
    )
