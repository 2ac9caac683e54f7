"""Ctrl-C and SIGTERM end a command in one line, and what is done is kept."""

import sys

import pytest

from tests.kit.tools import run_process

# What a command does, by name; `stop` sends it the signal.
DOING = {
    'writing a file': """
with nothing_registered():
    from bike_mmaction.files import replaced
with replaced('out.txt') as draft:
    open(draft, 'w').close()
    stop()
""",
    'nothing that Python lets be interrupted': """
class Last:
    def __del__(self):
        stop()
one = Last()
del one
time.sleep(20)
""",
    'keeping what is done, when the signal comes again': """
try:
    stop()
finally:
    stop() if number == signal.SIGTERM else None
    print('kept')
""",
    'waiting for others, which the signal ends too': """
try:
    stop()
except KeyboardInterrupt:
    if number == signal.SIGTERM:
        raise RuntimeError('lost')
    raise
""",
    'ending a copy of itself': """
here, there = os.pipe()
pid = os.fork()
if not pid:
    os.write(there, b'.')
    time.sleep(20)
    os._exit(0)
os.read(here, 1)  # a signal that comes while it forks would be lost
os.kill(pid, signal.SIGTERM)
assert os.waitpid(pid, 0)[1] == signal.SIGTERM, 'it has ended otherwise'
stop()
""",
}
PROGRAM = """
import os, signal, time
from bike_mmaction_cli import nothing_registered, stopped_in_one_line
number = signal.{name}
def stop():
    signal.raise_signal(number)
with stopped_in_one_line('bike x'):
    {body}
"""


@pytest.mark.parametrize('name, status', [('SIGINT', 130), ('SIGTERM', 143)])
def test_ends_in_one_line(name, status, tmp_path):
    faults = []
    for doing, lines in DOING.items():
        body = lines.strip().replace('\n', '\n    ')
        program = PROGRAM.format(name=name, body=body)
        done = run_process(sys.executable, '-c', program, cwd=tmp_path)
        said = done.returncode, done.stderr
        if said != (status, 'bike x: stopped\n'):
            faults.append(f'{doing}: {said}')
        if 'keeping' in doing and done.stdout != 'kept\n':
            faults.append(f'{doing}: not kept')
    assert not faults, '\n'.join(faults)
    assert not list(tmp_path.iterdir()), 'something is left of the file'
