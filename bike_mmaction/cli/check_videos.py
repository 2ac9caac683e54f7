"""Check that the videos of a data set can be read, before training on them.

Every entry of the annotation file is looked at. Usable lines are written
to a new annotation file, the reasons for the others to a report
beside it. A check that was stopped goes on where it was: give the same
command again. Exit status: 0 if all lines are usable, 1 if some are not, or
if a file is not what --against says.
"""

import argparse
from typing import Optional

from ..datasets.pipeline_access import SPLITS, check_list, own_dataset
from ..files import require_file
from ..shipped import find_config
from .arguments import (
    add_cfg_options,
    add_frame_arguments,
    add_time_limit,
    check_output,
)
from .values import count

FULL = 20  # times the time limit, where all frames are read


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(
        prog,
        description=__doc__,
        epilog='Videos with fewer frames than the config samples are counted '
        'and reported as too short. They are usable, as some of their frames '
        'are repeated; --min-frames leaves shorter ones out.',
    )
    parser.add_argument(
        'config', help='says which videos, and how many frames are sampled'
    )
    parser.add_argument(
        '--split', choices=SPLITS, default='train', help='whose videos (default: train)'
    )
    add_frame_arguments(parser)
    parser.add_argument(
        '--workers', type=count, default=8, help='processes (default: 8)'
    )
    add_time_limit(parser)
    parser.add_argument(
        '--full',
        action='store_true',
        help='read every frame (slow), not the first, middle and last only; '
        f'within {FULL} times the time limit',
    )
    parser.add_argument(
        '--min-frames',
        type=count,
        help='videos and segments with fewer frames are not usable (default: '
        'any number is)',
    )
    parser.add_argument(
        '--out',
        help='list to write; the report is OUT.report.json (default: '
        'the annotation file with _usable in its name)',
    )
    _add_checksums(parser)
    add_cfg_options(parser)
    return parser


def _add_checksums(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--checksums',
        metavar='FILE',
        help='write the SHA-256 of every file, as sha256sum has it',
    )
    parser.add_argument(
        '--against',
        metavar='FILE',
        help='name each file that has changed since --checksums has written this '
        'FILE, or that is new or missing: no decoder notices all damage',
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config, and refuse a list that cannot be written."""
    args.config = find_config(args.config)
    check_output('--out', args.out)
    check_output('--checksums', args.checksums)
    if args.against:
        require_file(args.against, '--against')


def run(args: argparse.Namespace) -> bool:
    """Check all entries; whether some are not usable."""
    from mmaction.utils import register_all_modules

    from ..datasets.check_report import check_list as check_entries
    from ..datasets.checksums import check_sums, read_checksums
    from ..evaluation.journal import Journal
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import read_config_file, read_frames

    register_all_modules()
    if args.against:
        read_checksums(args.against)  # before hours of work
    cfg = read_config_file(args.config, needs_model=False)
    check_cfg_options(cfg, args.cfg_options)
    read_frames(cfg, args)
    cfg.merge_from_dict(args.cfg_options or {})
    check_list(cfg, args.split)
    dataset = own_dataset(cfg, args.split)
    limit = args.time_limit * (FULL if args.full else 1)
    options = args.full, args.min_frames, args.workers, limit
    try:
        is_good = check_entries(dataset, args.out, *options, Journal)
        if args.checksums or args.against:
            files = args.checksums, args.against, args.out
            is_good &= check_sums(dataset, *files, args.workers)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            'what is checked is kept; the same command goes on'
        ) from None
    return not is_good
