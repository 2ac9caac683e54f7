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
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Optional

PACKAGE = 'bike_mmaction'


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
    status = commands.run(name, args, prog)
    if status:
        sys.exit(status)


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
