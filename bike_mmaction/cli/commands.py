"""Which subcommands `bike` has, and how one of them is called."""

import argparse
import importlib
import os.path as osp
import sys
import textwrap
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn, Optional

from ..errors import did_you_mean
from ..terminal import say, tame
from ..version import __version__
from .mistakes import exit_with, mistakes_in_one_line

# In the order of their use. A name's module has '_' in place of '-'.
COMMANDS = (
    'infer',
    'label',
    'convert-labels',
    'embed',
    'search',
    'web',
    'data',
    'train',
    'test',
    'test-splits',
    'report',
    'generate-attributes',
    'fuse-scores',
    'merge-checkpoints',
    'convert-checkpoint',
    'export',
    'share',
    'reproduce',
    'prepare',
    'convert-list',
    'check-videos',
    'pack-videos',
    'index-shards',
    'benchmark',
    'mmaction',
    'doctor',
    'env',
)
WIDTH = 79  # of a terminal's line
USAGE = 'usage: bike COMMAND [options]'
MORE = """bike COMMAND --help    the options of a command
bike --version         the version of bike_mmaction"""


def load(name: str) -> ModuleType:
    """The module of a command, with ``parser`` and ``run``."""
    module = name.replace('-', '_')
    return importlib.import_module(f'{__package__}.{module}')


def overview() -> str:
    """All commands, with the first line of each module."""
    width = max(map(len, COMMANDS))
    lines = [
        textwrap.fill(
            f'  {name:<{width}}  {first_line(load(name))}',
            WIDTH,
            subsequent_indent=' ' * (width + 4),
            break_on_hyphens=False,
        )
        for name in COMMANDS
    ]
    return '\n'.join([USAGE, '', *lines, '', MORE])


def first_line(module: ModuleType) -> str:
    """What a command does, in one line."""
    return (module.__doc__ or '').partition('\n')[0]


def choose(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The command that is meant, and its arguments.

    Ends the process where none is: with the overview, the version, or the
    name that is nearest to a mistyped one.
    """
    if not argv or argv[0] in ('-h', '--help', 'help'):
        say(overview())
        sys.exit()
    if argv[0] == '--version':
        say(f'bike_mmaction {__version__}')
        sys.exit()
    name = argv[0].replace('_', '-')
    if name not in COMMANDS:
        _refuse(argv[0])
    return name, list(argv[1:])


def _refuse(name: str) -> NoReturn:
    meant = did_you_mean(name.lower().replace('_', '-'), COMMANDS, 0.5)
    say(
        f"{USAGE}\nbike: error: there is no command '{name}'{meant} "
        '(bike --help lists all)',
        file=sys.stderr,
    )
    sys.exit(2)


def read_arguments(
    name: str, argv: Optional[Sequence[str]], prog: Optional[str]
) -> argparse.Namespace:
    """The arguments of a command; ends the process if they are not fit."""
    command = load(name)
    parser = command.parser(prog)
    tame(parser)
    try:
        args, unknown = parser.parse_known_args(argv)
    except ValueError:  # of MMEngine, where it splits KEY=VALUE
        parser.error('--cfg-options must be of the form KEY=VALUE')
    if unknown:
        _refuse_arguments(parser, unknown)
    check = getattr(command, 'check', None)
    try:
        if check is not None:
            check(parser, args)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        exit_with(parser.prog, error)
    return args


def _refuse_arguments(
    parser: argparse.ArgumentParser, unknown: Sequence[str]
) -> NoReturn:
    """As argparse, with the option that is nearest to a mistyped one."""
    options = [text for action in parser._actions for text in action.option_strings]
    meant = next((x for x in unknown if x.startswith('--')), '').partition('=')[0]
    parser.error(
        f'unrecognized arguments: {" ".join(unknown)}{did_you_mean(meant, options)}'
    )


def run(name: str, args: argparse.Namespace, prog: Optional[str] = None) -> int:
    """Do the work of a command: its exit status."""
    with mistakes_in_one_line(prog or osp.basename(sys.argv[0])):
        return int(load(name).run(args) or 0)
