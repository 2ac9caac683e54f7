"""Run the tools of a row as programs, and go on after a stop."""

import fcntl
import glob
import os
import os.path as osp
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..files import replaced, write_json
from ..shipped import find_shipped
from ..terminal import say
from .plan import PlannedRow, Training, test_identity
from .settings import Settings

# Lines of a log that tell the progress, and such that tell why it ended.
PROGRESS = re.compile(r'Epoch\(.*')
REASONS = [
    re.compile(pattern)
    for pattern in (
        r'^(?:train|test): (.+)',
        r'^(?:\[rank\d+\]: *)?(?:\w+\.)*\w*(?:Error|Exception): (.+)',
    )
]


class StepFailed(RuntimeError):
    """A training or a test ended with an error; the message is its reason."""


@contextmanager
def only_one(work_dir: str) -> Iterator[int]:
    """Let nobody else work in a folder, until all that was started has ended.

    The lock is an open file, which what is started inherits: should this
    process be killed, it holds as long as they live.

    Yields:
        int: The number of the open file.

    Raises:
        RuntimeError: if somebody else works there.
    """
    os.makedirs(work_dir, exist_ok=True)
    with open(osp.join(work_dir, '.lock'), 'a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RuntimeError(
                f"another run still works in '{work_dir}': wait for it, or "
                'end it, or give another --work-dir'
            ) from error
        yield file.fileno()


def train(training: Training, settings: Settings, lock: int) -> None:
    """Train, or go on with it.

    Raises:
        StepFailed: if it ends with an error.
    """
    path = _write_config(training.config, training.folder, training.name)
    if not training.begun:
        loader = training.config.train_dataloader
        write_json(
            osp.join(training.folder, 'begun.json'),
            dict(
                identity=training.identity,
                gpus=settings.gpus,
                total_batch=loader.batch_size * settings.gpus,
                published_batch=training.published_batch,
                cfg_options=settings.cfg_options,
            ),
        )
    run_tool(
        'train',
        [path],
        ['--work-dir', training.folder, '--resume'],
        settings.gpus,
        training.folder,
        lock,
    )


def test(planned: PlannedRow, settings: Settings, lock: int) -> None:
    """Test, and note what was tested.

    Raises:
        StepFailed: if it ends with an error.
    """
    path = _write_config(planned.config, planned.folder, planned.row.name)
    before = set(_results_in(planned.folder))
    run_tool(
        'test',
        [path, planned.weights.file],
        ['--work-dir', planned.folder],
        settings.gpus,
        planned.folder,
        lock,
    )
    written = sorted(set(_results_in(planned.folder)) - before)
    if not written:
        raise StepFailed(f"the test has left no results in '{planned.folder}'")
    write_json(
        osp.join(planned.folder, 'done.json'),
        dict(
            identity=test_identity(planned),
            results=osp.relpath(written[-1], planned.folder),
        ),
    )


def run_tool(
    tool: str,
    positional: Sequence[str],
    options: Sequence[str],
    gpus: int,
    folder: str,
    lock: int,
) -> None:
    """Run ``tools/train.py`` or ``test.py`` in one process, or in several.

    Its output goes to ``log.txt`` in the folder; lines that tell the
    progress are printed.

    Raises:
        StepFailed: if it ends with an error.
    """
    command = [*_launcher(tool, gpus, positional), *options]
    say(f'   {" ".join(command)}', flush=True)
    log = osp.join(folder, 'log.txt')
    with open(log, 'w', encoding='utf-8') as file:
        # Not through a pipe: it goes on should this process be killed.
        process = subprocess.Popen(
            command,
            env=dict(os.environ, PYTHON=sys.executable),
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            start_new_session=True,
        )  # so that all of it can be ended
    try:
        _follow(process, log)
    finally:
        _end(process)
    if process.returncode:
        raise StepFailed(f'{reason_in(log)} (see {log})')


def _launcher(tool: str, gpus: int, positional: Sequence[str]) -> list[str]:
    """The tool with its arguments, in one process or by its launcher."""
    if gpus > 1:
        script = find_shipped('tools', f'dist_{tool}.sh')
        return ['bash', script, *positional, str(gpus)]
    return [sys.executable, find_shipped('tools', f'{tool}.py'), *positional]


def _follow(process: subprocess.Popen, log: str) -> None:
    """Print the progress that a program logs, until it ends."""
    with open(log, encoding='utf-8', errors='replace') as file:
        line, ended = '', False
        while not ended:
            ended = process.poll() is not None
            for text in file:
                line += text
                progress = PROGRESS.search(line)
                if progress and line.endswith('\n'):
                    say(f'   {progress[0]}', flush=True)
                line = '' if line.endswith('\n') else line
            if not ended:
                time.sleep(0.2)


def _end(process: subprocess.Popen) -> None:
    """End a program with all that it has started; do nothing if it has."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        os.killpg(process.pid, number)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            continue


def reason_in(log: str) -> str:
    """Why a tool has failed, by its log: the last error that has a text."""
    with open(log, encoding='utf-8', errors='replace') as file:
        lines = deque(file, maxlen=400)
    for line in reversed(lines):
        for pattern in REASONS:
            reason = pattern.match(line.strip())
            if reason:
                return reason[1]
    rest = [line.strip() for line in lines if line.strip()]
    return rest[-1] if rest else 'ended without a word'


def _write_config(cfg, folder: str, name: str) -> str:
    """The config of a step as a file, which the tools read."""
    path = osp.join(folder, 'config', f'{name}.py')
    with replaced(path) as draft:
        cfg.dump(draft)
    return path


def _results_in(folder: str) -> list[str]:
    return glob.glob(osp.join(glob.escape(folder), '*', 'results.json'))
