"""The console command `bike`, and the start of the files in ``tools/``.

To import ``bike_mmaction`` registers its components, which takes torch,
MMAction2 and several seconds. Who asks for ``--help``, or has mistyped an
option, should not wait for that. So a module of ``bike_mmaction/cli``, one for
each command, has two halves:

``parser(prog)``, ``check(parser, args)``
    Its arguments, and what can be said of them at once (``check`` is
    optional). They are called while nothing is registered: the modules that
    they need are imported, but no ``__init__.py`` of the package or of one of
    its rooms has run.
``run(args)``
    The work, with the package imported as usual; its exit status.

This module lies beside the package: to import anything inside of the package
would run ``bike_mmaction/__init__.py`` first.
"""

import importlib
import importlib.util
import os
import os.path as osp
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Optional

PACKAGE = 'bike_mmaction'
_TWICE = 5  # seconds: launchers send a signal again that their processes have had


@contextmanager
def until_nobody_reads() -> Iterator[None]:
    """End quietly where nobody reads what is printed, as in `bike --help | head`."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)  # as a shell has it: 128 + SIGPIPE


class _Interrupts:
    """Ctrl-C, and SIGTERM, which clusters send, as Ctrl-C.

    Either raises a ``KeyboardInterrupt``, which is raised again if it came
    where Python ignores all errors, as while a process forks.

    Attributes:
        is_terminated (bool): Whether SIGTERM has come.
    """

    def __init__(self) -> None:
        self.is_terminated, self._heard = False, float('-inf')
        self._process = os.getpid()
        self._terminate = signal.getsignal(signal.SIGTERM)
        self._ignore, self._show = sys.unraisablehook, sys.excepthook
        self._timer: Optional[threading.Timer] = None

    def watch(self) -> None:
        """From now on; not for SIGTERM where the caller has it ignored."""
        if self._terminate != signal.SIG_IGN:
            signal.signal(signal.SIGTERM, self._interrupt)
        sys.unraisablehook = self._raise_again
        sys.excepthook = self._show_unless_stopped

    def end(self) -> None:
        """As it was before."""
        if self._timer is not None:
            self._timer.cancel()
        sys.unraisablehook = self._ignore
        if not self.is_terminated:  # else threads may yet miss what has ended
            sys.excepthook = self._show
        signal.signal(signal.SIGTERM, self._terminate or signal.SIG_DFL)

    def _interrupt(self, number: int, frame: Optional[FrameType]) -> None:
        if os.getpid() != self._process:  # a copy of it, which is ended as ever
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif time.monotonic() - self._heard > _TWICE:
            self.is_terminated, self._heard = True, time.monotonic()
            if hasattr(signal, 'SIGCHLD'):  # torch would tell which workers it ends
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            raise KeyboardInterrupt

    def _show_unless_stopped(self, *error) -> None:
        """As of threads that share tensors with loaders, which have ended."""
        if not self.is_terminated or os.getpid() != self._process:
            self._show(*error)

    def _raise_again(self, ignored: 'sys.UnraisableHookArgs') -> None:
        if os.getpid() != self._process or ignored.exc_type is not KeyboardInterrupt:
            if not self.is_terminated:  # else the interrupt has broken it off
                self._ignore(ignored)
            return
        self._heard = float('-inf')
        number = signal.SIGTERM if self.is_terminated else signal.SIGINT
        self._timer = threading.Timer(0.1, os.kill, (self._process, number))
        self._timer.daemon = True
        self._timer.start()


@contextmanager
def stopped_in_one_line(prog: str) -> Iterator[None]:
    """End on Ctrl-C and on SIGTERM with a line, in place of a traceback.

    The line has the text of the ``KeyboardInterrupt``, if it has one. The exit
    status is that of a shell: 130 after Ctrl-C, 143 after SIGTERM. Of several
    processes the first one speaks.

    Args:
        prog (str): How the command was called.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main one
        return
    interrupts = _Interrupts()
    interrupts.watch()
    try:
        yield
    except BaseException as end:
        # SIGTERM to all processes also ends those that this one needs.
        if not (interrupts.is_terminated or isinstance(end, KeyboardInterrupt)):
            raise
        _say_stopped(prog, end)
        sys.exit(128 + (signal.SIGTERM if interrupts.is_terminated else signal.SIGINT))
    finally:
        interrupts.end()


def _say_stopped(prog: str, end: BaseException) -> None:
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) != '0':
        return
    text = f'{prog}: stopped'
    if isinstance(end, SystemExit) and isinstance(end.code, str):
        text = end.code  # what went wrong meanwhile, such as a full disk
    elif isinstance(end, KeyboardInterrupt) and str(end):
        terminal = importlib.import_module(f'{PACKAGE}.terminal')
        text += f': {terminal.printable(end)}'
    print(text, file=sys.stderr, flush=True)


@until_nobody_reads()
def main(argv: Optional[Sequence[str]] = None) -> None:
    """`bike COMMAND ...`; ends the process if it fails.

    Args:
        argv (Sequence[str], optional): Defaults to None: ``sys.argv[1:]``.
    """
    with nothing_registered():
        commands = importlib.import_module(f'{PACKAGE}.cli.commands')
        name, rest = commands.choose(sys.argv[1:] if argv is None else argv)
    run(name, rest, prog=f'bike {name}')


@until_nobody_reads()
def run(
    name: str, argv: Optional[Sequence[str]] = None, prog: Optional[str] = None
) -> None:
    """Run one command; ends the process if it fails.

    Args:
        name (str): Of the command, such as 'test-splits'.
        argv (Sequence[str], optional): Its arguments. Defaults to None:
            ``sys.argv[1:]``.
        prog (str, optional): How it was called. Defaults to None:
            ``sys.argv[0]``.
    """
    with stopped_in_one_line(prog or osp.basename(sys.argv[0])):
        status = _run(name, argv, prog)
    if status:
        sys.exit(status)


def _run(name: str, argv: Optional[Sequence[str]], prog: Optional[str]) -> int:
    """See :func:`run`; the exit status."""
    with nothing_registered():
        commands = importlib.import_module(f'{PACKAGE}.cli.commands')
        args = commands.read_arguments(name, argv, prog)
    try:
        importlib.import_module(PACKAGE)  # which registers
    except Exception as error:
        if name != 'doctor':
            raise
        with nothing_registered():
            doctor = importlib.import_module(f'{PACKAGE}.cli.doctor')
            sys.exit(doctor.run(args, error))
    commands = importlib.import_module(f'{PACKAGE}.cli.commands')
    return commands.run(name, args, prog)


@contextmanager
def nothing_registered() -> Iterator[None]:
    """Modules of the package can be imported, their packages stay empty.

    Stand-ins without content take the places of the package and of its rooms,
    which are its folders. Afterwards all of it is forgotten, so that the next
    import is the first one: only plain values may leave this context. Nothing
    changes where the package is imported already.
    """
    if PACKAGE in sys.modules:
        yield
        return
    try:
        folder = osp.dirname(_stand_in(PACKAGE))
        for room in os.listdir(folder):
            if osp.isfile(osp.join(folder, room, '__init__.py')):
                _stand_in(f'{PACKAGE}.{room}')
        yield
    finally:
        for name in list(sys.modules):
            if name.partition('.')[0] == PACKAGE:
                del sys.modules[name]


def _stand_in(name: str) -> str:
    """Put a package in its place that has not run; the path of its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    return spec.origin


if __name__ == '__main__':
    main()
