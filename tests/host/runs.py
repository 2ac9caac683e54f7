"""Runs of MMAction2's tests, each in a fresh process, with what became of each."""

import json
import os
import os.path as osp
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

from bike_mmaction.terminal import printable, say
from tests.host.plugins.record_outcomes import OUTCOMES
from tests.host.release import NotComparable

PLUGINS = osp.join(osp.dirname(osp.abspath(__file__)), 'plugins')
PASSED, FAILED, SKIPPED = 'passed', 'failed', 'skipped'
UNFINISHED, NOT_RUN = 'did not end', 'was not run'
USAGE = 4  # exit status of pytest
EVERY = 30  # seconds between lines of progress in a log
NEW_LINE = '\r\033[K'  # in place of what a terminal's line says


@dataclass
class Run:
    """What became of each test.

    Attributes:
        outcomes (dict[str, str]): Of tests, by pytest's name of them.
        reasons (dict[str, str]): Why tests failed, and files whose import did.
        files (list[str]): Those that could not be imported.
        last (str): The test that was the last to start.
        status (int): With which pytest ended; None if it did not.
        end (str): How its process ended, and where.
        seconds (float): It took.
        stopped (bool): Whether it was stopped because of the time.
    """

    outcomes: dict = field(default_factory=dict)
    reasons: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    last: str = ''
    status: int = None
    end: str = ''
    seconds: float = 0
    stopped: bool = False

    def of(self, outcome):
        return [test for test, its in self.outcomes.items() if its == outcome]

    def why(self, test):
        """What became of a test, and why, in a line."""
        outcome = self.outcomes.get(test, NOT_RUN)
        reason = self.reasons.get(test) or self.reasons.get(test.split('::')[0])
        return f'{outcome}: {reason}' if reason else outcome


def run_tests(source, results, name, plugins, options, timeout):
    """Run the tests of an unpacked release.

    Args:
        source (str): Its folder; tests may write there.
        results (str): The folder for ``NAME.log`` and ``NAME.xml`` (JUnit's).
        name (str): Of this run.
        plugins (list[str]): Modules that pytest imports before it looks for
            tests.
        options (list[str]): Of pytest.
        timeout (float): Seconds after which it is stopped.

    Returns:
        Run: What became of the tests.
    """
    log, lines = osp.join(results, f'{name}.log'), osp.join(source, 'outcomes.jsonl')
    # Else pytest would take the settings of a folder above.
    with open(osp.join(source, 'pytest.ini'), 'w', encoding='utf-8') as file:
        file.write('[pytest]\ntestpaths = tests\n')
    command = [sys.executable, '-m', 'pytest', '--continue-on-collection-errors']
    command += [f'--junitxml={osp.join(results, name)}.xml', '-p', 'no:cacheprovider']
    for plugin in ('record_outcomes', *plugins):
        command += ['-p', plugin]
    start = time.monotonic()
    with open(log, 'wb') as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=source,
            env=_environment(source, lines),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what tests start is stopped with it
        )
        stopped = _wait(process, start + timeout, lambda: _progress(name, lines))
    run = read_run(lines)
    run.seconds, run.stopped = time.monotonic() - start, stopped
    if process.returncode == USAGE:
        raise NotComparable(f'pytest: {last_error(log)}')
    run.end = _end(process.returncode, run.last, log)
    return run


def _environment(source, lines):
    """Variables of a run; those of the pytest that started this are left out."""
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTEST_')}
    env.setdefault('MPLBACKEND', 'Agg')
    # The release first: its package is whole, that of the wheel is not.
    env['PYTHONPATH'] = os.pathsep.join([source, PLUGINS])
    return {**env, OUTCOMES: lines, 'PYTHONHASHSEED': '0'}


def _wait(process, until, show):
    """Wait for a process; stop it, and return True, if it takes too long."""
    shown = time.monotonic()
    try:
        while process.poll() is None:
            now = time.monotonic()
            if now > until:
                return True
            if now - shown > (1 if sys.stderr.isatty() else EVERY):
                shown = now
                show()
            time.sleep(0.2)
        return False
    finally:
        if sys.stderr.isatty():
            print(NEW_LINE, end='', file=sys.stderr)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _progress(name, lines):
    """Say what runs now: over the last such line, or in a line of the log."""
    run = read_run(lines)
    text = f'{name} bike_mmaction: {len(run.outcomes)} tests begun, now {run.last}'
    if sys.stderr.isatty():
        print(NEW_LINE + printable(text)[:79], end='', file=sys.stderr, flush=True)
    else:
        say(text, file=sys.stderr, flush=True)


def read_run(path):
    """What the plugin ``record_outcomes`` has written until now."""
    run, phases = Run(), defaultdict(dict)
    for line in _complete_lines(path):
        test, phase = line.get('test'), line['phase']
        if phase == 'end':
            run.status = line['status']
            continue
        if line.get('reason'):
            run.reasons.setdefault(test, line['reason'])
        if phase == 'import':
            run.files.append(test)
        elif phase == 'start':
            run.last = test
            phases[test].setdefault('start', None)
        elif phases[test].get(phase) != FAILED:  # parts of a test have lines too
            phases[test][phase] = line['outcome']
    run.outcomes = {test: _outcome(its) for test, its in phases.items()}
    return run


def _complete_lines(path):
    if not osp.exists(path):
        return
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.endswith('\n'):
                yield json.loads(line)


def _outcome(phases):
    """Of a test, from those of its setup, its call and its teardown."""
    outcomes = phases.values()
    for outcome in (FAILED, SKIPPED):
        if outcome in outcomes:
            return outcome
    return PASSED if 'teardown' in phases else UNFINISHED


def _end(status, last, log):
    how = (
        f'by {signal.Signals(-status).name}' if status < 0 else f'with status {status}'
    )
    where = f'in {last}' if last else f'before the first test: {last_error(log)}'
    return f'ended {how} {where}'


def last_error(log):
    """The last line of a log that tells of an error, or else its last line."""
    with open(log, encoding='utf-8', errors='replace') as file:
        lines = [line.strip() for line in file if line.strip()]
    errors = [line for line in lines if 'error' in line.lower()]
    return (errors or lines or ['it printed nothing'])[-1]
