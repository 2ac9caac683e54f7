"""Running of tools: in this process, and in processes of their own."""

import functools
import glob
import importlib.util
import io
import json
import os
import os.path as osp
import random
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import torch

from tests.kit import ROOT
from tests.kit.forker import Forker, kill_children


def tool(name):
    """A script of ``tools/`` as a module."""
    path = osp.join(ROOT, 'tools', f'{name}.py')
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(name, *args):
    """Run a script of ``tools/`` with these arguments, in this process.

    Returns:
        What its ``main`` returns.

    Raises:
        SystemExit: if it ends with a message or a status but 0.
    """
    with mock.patch.object(sys, 'argv', [name, *map(str, args)]):
        try:
            return tool(name).main()
        except SystemExit as end:
            if end.code:
                raise


def outcome(name, *args):
    """Run a script of ``tools/`` in this process.

    Returns:
        tuple: Exit status, or the message it ends with, also where it is that
        of wrong arguments; and what it printed.
    """
    printed, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(errors):
        try:
            status = run_tool(name, *args) or 0
        except SystemExit as end:
            status = end.code
    if status == 2:  # argparse prints its message
        status = errors.getvalue()
    return status, printed.getvalue()


def refusal(name, *args):
    """The message of a script of ``tools/`` that must refuse these arguments."""
    status, _ = outcome(name, *args)
    assert isinstance(status, str), f'status {status} in place of a message'
    return status


def environment(**variables):
    """Variables of a process that imports from the source; a new free port.

    ``variables`` are added to them or replace them.
    """
    common = dict(
        PYTHON=sys.executable,
        PYTHONPATH=ROOT,
        PORT=free_port(),
        CUDA_VISIBLE_DEVICES='-1',
        OMP_NUM_THREADS='1',
    )
    return {**os.environ, **common, **variables}


def run_process(*command, cwd=ROOT, **variables):
    """Run a command to its end, from the root of the source.

    Returns:
        subprocess.CompletedProcess: with what it printed, as text.
    """
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
    )


def run_python(*argv, cwd=ROOT, **variables):
    """Run a Python program to its end, from the root of the source.

    It is a process of its own, but torch and the package are imported before
    it starts: :mod:`tests.kit.forker`.

    Args:
        argv: As after `python`: a file, `-m` or `-c`, and what follows.

    Returns:
        subprocess.CompletedProcess: with what it printed, as text.
    """
    return _forker().run(argv, cwd, environment(**variables))


def end_processes():
    """All that this process has started: the last thing it does."""
    if _forker.cache_info().currsize:
        _forker().close()
    kill_children(os.getpid())


@functools.cache
def _forker():
    """One for all tests of this process."""
    return Forker(['bike_mmaction.apis'], environment(), ROOT)


def run_well(*command, **kwargs):
    """Run a command, which must end well; what it printed.

    As :func:`run_python` if it begins with this Python, else as
    :func:`run_process`.
    """
    program, *argv = command
    if program == sys.executable:
        return printed_by(run_python(*argv, **kwargs))
    return printed_by(run_process(*command, **kwargs))


def printed_by(done):
    """What a process that ended well has printed."""
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout


def start_process(*command):
    """Start a command in a process group of its own; its output is a pipe."""
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def convert_released(checkpoint, folder):
    """A released file, converted by the command-line tool: its path."""
    released, converted = folder / 'released.pt', folder / 'converted.pth'
    torch.save(checkpoint, released)
    run_well(sys.executable, 'tools/convert_checkpoint.py', released, converted)
    return str(converted)


def read_results(folder):
    """What a test wrote into its only run below this folder."""
    (path,) = glob.glob(f'{folder}/*/results.json')
    with open(path) as file:
        return json.load(file)


def free_port():
    """A port of this machine that nobody uses, as text.

    Not one of those that systems give to whoever asks for any, so that nobody
    gets it before it is used; and those of each worker of pytest are its own.
    """
    worker = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])
    while True:
        port = random.randrange(1000) + 20_000 + 1000 * (worker % 12)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        return str(port)
