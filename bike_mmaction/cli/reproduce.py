"""Reproduce a table of the paper with the data and checkpoints at hand.

First prints the plan: which rows are done, which can be tested or trained, and
what the others lack. Then runs these rows, and writes the table beside what
is published. The same command goes on after a stop. Exit status: 0 if all
rows are done, 1 if some are not.
"""

import argparse
import os.path as osp
from typing import Optional

from ..reproduction.rows import TABLES
from ..terminal import say
from .arguments import add_cfg_options, check_folder
from .values import count


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__, allow_abbrev=False)
    parser.add_argument(
        'table', choices=TABLES, metavar='TABLE', help=', '.join(TABLES)
    )
    parser.add_argument(
        '--plan',
        '--dry-run',
        action='store_true',
        help='only say what would be run and what is missing',
    )
    parser.add_argument(
        '--rows',
        nargs='+',
        metavar='NAME',
        help='only the rows of these configs (default: all)',
    )
    parser.add_argument(
        '--train',
        action='store_true',
        help='train the rows though their checkpoints are at hand',
    )
    parser.add_argument(
        '--gpus',
        type=count,
        metavar='N',
        help='processes of a training or test; the total batch stays that of '
        'the authors (default: all GPUs of this machine, or 1)',
    )
    parser.add_argument(
        '--rawframes',
        action='store_true',
        help='read extracted frames instead of video files',
    )
    add_cfg_options(parser, {})
    _add_places(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--checkpoints',
        nargs='+',
        default=[],
        metavar='DIR|NAME=FILE',
        help='folders with NAME.pth or NAME/epoch_N.pth, where NAME is that '
        'of a config, and single files; such rows are only tested',
    )
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        default='',
        help='folder of the data sets (default: where the configs look: '
        "'data', for the demo 'work_dirs/demo')",
    )
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        default='work_dirs/reproduce',
        help='for trainings, tests and the table (default: %(default)s)',
    )
    parser.add_argument(
        '--index',
        metavar='FILE|DIR',
        help='another index of models, in the form of configs/metafile.yml, or '
        'a folder of such',
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be."""
    if args.data_root and not osp.isdir(args.data_root):
        parser.error(f"--data-root '{args.data_root}' is no folder")
    if args.index and not osp.exists(args.index):
        raise FileNotFoundError(f"--index '{args.index}' does not exist")
    if not args.plan:
        check_folder('--work-dir', args.work_dir)


def run(args: argparse.Namespace) -> bool:
    """Plan or reproduce the table; whether something is left to do."""
    from mmaction.utils import register_all_modules

    register_all_modules()
    try:
        return not reproduce_table(args)
    except KeyboardInterrupt:
        raise KeyboardInterrupt('the same command goes on from here') from None


def reproduce_table(args: argparse.Namespace) -> bool:
    """Plan or reproduce; whether all was done that was asked."""
    import torch

    from ..reproduction import (
        Planner,
        Settings,
        find_shipped,
        parse_checkpoints,
        preview,
        read_index,
        reproduce,
        rows_of,
        select,
    )

    index = read_index(args.index or find_shipped('configs'))
    rows = select(rows_of(index, args.table), args.rows)
    files, folders = parse_checkpoints(args.checkpoints, index)
    settings = Settings(
        args.work_dir,
        args.data_root.rstrip('/'),
        files,
        folders,
        args.gpus or max(1, torch.cuda.device_count()),
        args.rawframes,
        args.train,
        args.cfg_options,
    )
    if args.plan:
        planned = Planner(index, rows, settings).plan()
        say(preview(args.table, planned, index))
        return True
    return reproduce(args.table, index, rows, settings)
