"""Arguments of commands whose videos come in lists and tables."""

import argparse
from typing import Optional

from ..datasets.tables import WRITABLE, check_pyarrow, kind_of
from ..datasets.video_table import PATH, check_inputs
from .arguments import Parser, check_input, check_model_arguments, check_output


def add_table_arguments(parser: Parser) -> None:
    """Options of commands that take videos of lists and tables."""
    parser.add_argument(
        '--path-column',
        default=PATH,
        metavar='NAME',
        help=f'column of a table that has the paths (default: {PATH})',
    )
    parser.add_argument(
        '--root',
        default='',
        metavar='DIR',
        help='folder in which relative paths of a list or table begin (default: .)',
    )


def check_table_arguments(args: argparse.Namespace) -> None:
    """Inputs, options of tables and model of such a command."""
    check_input('--root', args.root)
    check_inputs(args.inputs, args.path_column)
    check_model_arguments(args)


def check_table_output(parser: argparse.ArgumentParser, path: Optional[str]) -> None:
    """Refuse a table that cannot be written, of the option ``--out``."""
    if path and kind_of(path) not in WRITABLE:
        parser.error(f"--out '{path}' must end with {', '.join(WRITABLE)}")
    check_pyarrow('--out', path)
    check_output('--out', path)
