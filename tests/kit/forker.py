"""Runs Python programs in processes that need not import torch once more.

Most of what a short program takes is the import of torch and MMAction2, four
seconds of a core. So a server, this file run as a program, imports them once,
and each program runs in a fork of it. It reads a JSON object a line: ``argv``
(as after `python`: a file, `-m` or `-c`), ``cwd``, ``env`` and ``output``, the
paths for stdout and stderr; its answer is a line with the exit status.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from contextlib import suppress

import psutil


class Forker:
    """A process of :mod:`tests.kit.forker`; one program runs at a time.

    Args:
        modules (list[str]): What is imported once, for all programs.
        env (dict): Environment of the imports.
        cwd (str): Where they are done.
    """

    def __init__(self, modules, env, cwd):
        self._argv = [sys.executable, __file__, *modules]
        self._options = dict(env=env, cwd=cwd, text=True)
        self.server = None
        atexit.register(self.close)

    def start(self):
        """Import all, unless that is done."""
        if self.server is None:
            pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.server = subprocess.Popen(self._argv, **self._options, **pipes)

    def run(self, argv, cwd, env):
        """A program to its end; as :func:`subprocess.run` with its output."""
        argv = [str(part) for part in argv]
        self.start()
        with tempfile.TemporaryDirectory() as folder:
            output = [os.path.join(folder, name) for name in ('stdout', 'stderr')]
            program = dict(argv=argv, cwd=str(cwd), env=env, output=output)
            print(json.dumps(program), file=self.server.stdin, flush=True)
            try:
                status = self.server.stdout.readline()
            except BaseException:  # the test's time is over
                kill_children(self.server.pid)
                self.server.kill()
                self.server = None
                raise
            assert status, 'the process that starts programs has ended'
            texts = []
            for path in output:
                with open(path) as file:
                    texts.append(file.read())
        return subprocess.CompletedProcess(argv, int(status), *texts)

    def close(self):
        if self.server is not None:
            self.server.stdin.close()
            self.server.wait()
            self.server = None


def kill_children(pid):
    """End all processes that a process has started, and theirs."""
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def serve():
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what an import prints is no answer
    sys.path[0] = ''  # nothing is imported from this folder
    for name in sys.argv[1:]:
        importlib.import_module(name)
    spare_work()
    for line in sys.stdin:
        print(status_of(**json.loads(line)), file=answers, flush=True)


def spare_work():
    """Leave out what takes most of a small run and changes no result.

    MMEngine writes the config of a run eight times and formats its text each
    time, a third of a second; and with each data set, the garbage collector
    searches all that has been imported.
    """
    config = importlib.import_module('mmengine.config.config')
    original, known = config.FormatCode, {}

    def format_code(text, **options):
        if text not in known:
            known[text] = original(text, **options)
        return known[text]

    config.FormatCode = format_code
    gc.freeze()


def status_of(**program):
    child = os.fork()
    if child == 0:
        os._exit(become(**program))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become(argv, cwd, env, output):
    """Be that program to its end: its exit status."""
    for fd, path in zip((1, 2), output):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    try:
        execute(argv)
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        atexit._run_exitfuncs()  # such as the end of a program's own processes
        sys.stdout.flush()
        sys.stderr.flush()


def execute(argv):
    first, *rest = argv
    if first == '-c':
        sys.argv, sys.path[0] = ['-c', *rest[1:]], ''
        exec(compile(rest[0], '<string>', 'exec'), dict(__name__='__main__'))
    elif first == '-m':
        sys.argv, sys.path[0] = rest, ''
        runpy.run_module(rest[0], run_name='__main__', alter_sys=True)
    else:
        sys.argv, sys.path[0] = argv, os.path.dirname(os.path.abspath(first))
        runpy.run_path(first, run_name='__main__')


if __name__ == '__main__':
    serve()
