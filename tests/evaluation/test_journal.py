"""The journal of a long job: who may write it, and what counts of it."""

import subprocess
import sys

import numpy as np
import pytest

from bike_mmaction.datasets.same_settings import check_same
from bike_mmaction.evaluation.journal import Journal, own_items
from tests.kit.tools import environment

HOLD = """
import os, sys, time
from bike_mmaction.evaluation.lock import Lock
Lock(sys.argv[1]).acquire()
if not os.fork():  # such as a process that reads videos
    time.sleep(20)
print(os.getpid(), flush=True)
time.sleep(60)
"""


def begin(folder, **header):
    journal = Journal(str(folder / 'x.partial'), failure='error')
    journal.begin(str(folder / 'x'), header, lambda path: {})
    return journal


def test_two_jobs_are_one_too_many(tmp_path):
    """Until the first has ended, be it by a kill; what it has started may live."""
    (tmp_path / 'x.partial').mkdir()
    command = [sys.executable, '-c', HOLD, str(tmp_path / 'x.partial/lock')]
    first = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment()
    )
    process = first.stdout.readline().strip()
    with pytest.raises(BlockingIOError, match=f'in use by .*process {process} on '):
        begin(tmp_path)
    assert [path.name for path in (tmp_path / 'x.partial').iterdir()] == ['lock']
    first.kill()
    first.wait()
    journal = begin(tmp_path)
    journal.remove()
    assert not list(tmp_path.iterdir())


def test_what_counts_of_several_records(tmp_path):
    """A success, of whatever process; else the last one; nothing that is torn."""
    journal = begin(tmp_path)
    journal.append([dict(index=0, a=1), dict(index=1, error='x')])
    journal.append([dict(index=0, error='y'), dict(index=1, error='z')])
    path = tmp_path / 'x.partial/rank0.jsonl'
    other = [b'{"index": 1, "a": 2}', b'{"index": 0, "error": "w"}', b'3', b'{"index":']
    path.with_name('rank1.jsonl').write_bytes(b'\n'.join(other))
    path.write_bytes(path.read_bytes() + b'{"index": 2, "a"')
    journal.append([dict(index=3, error='v')])
    records = journal.find(5)
    assert records.is_done.tolist() == [True, True, False, True, False]
    assert records.has_failed.tolist() == [False, False, False, True, False]
    assert list(records.read([3, 0, 1])) == [
        dict(index=3, error='v'),
        dict(index=0, a=1),
        dict(index=1, a=2),
    ]


def test_batches_are_whole():
    done = np.zeros(7, bool)
    done[[0, 1, 2, 6]] = True
    assert [items.tolist() for items in own_items(done, 2)[:1]] == [[2, 3, 4, 5]]
    assert own_items(done, 2)[1] == 4
    assert own_items(np.zeros(3, bool), 2)[0].tolist() == [0, 1, 2]
    assert own_items(np.ones(3, bool), 2)[1] == own_items(np.ones(0, bool), 2)[1] == 0


def test_messages_show_what_differs():
    names = [f'name {i}' for i in range(1000)]
    old = dict(a=1, b=dict(same=names, other=names))
    new = dict(a=1, b=dict(same=names, other=[*names[:-1], 'yoga']))
    with pytest.raises(ValueError, match='another .b.: ') as error:
        check_same(old, new, 'x')
    text = str(error.value)
    assert '"yoga"' in text and '"name 999"' in text and len(text) < 700
