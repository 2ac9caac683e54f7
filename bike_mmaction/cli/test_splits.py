"""Test on several splits, or several seeds: mean and standard deviation.

One checkpoint serves all configs, as on the three splits of Kinetics-600
zero-shot; each config has its own, as on the splits of UCF-101; or one config
serves several checkpoints, as of several seeds.
"""

import argparse
from typing import Optional

from ..shipped import find_config
from .arguments import (
    add_cfg_options,
    add_launcher,
    add_test_arguments,
    check_checkpoint,
    check_folder,
)


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__, allow_abbrev=False)
    parser.add_argument(
        'configs', nargs='+', metavar='CONFIG', help='files or shipped configs'
    )
    parser.add_argument(
        '--checkpoints',
        nargs='+',
        required=True,
        metavar='CHECKPOINT',
        help="one for all configs or one for each; or 'pretrained': CLIP's own weights",
    )
    parser.add_argument(
        '--work-dir',
        default='work_dirs/test_splits',
        help='where logs and results are written (default: %(default)s)',
    )
    add_launcher(parser, ('none', 'pytorch', 'slurm'))
    add_cfg_options(parser)
    add_test_arguments(parser)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find configs and checkpoints, and give each its partner."""
    numbers = len(args.configs), len(args.checkpoints)
    if 1 not in numbers and numbers[0] != numbers[1]:
        parser.error(
            f'{numbers[0]} configs, but {numbers[1]} checkpoints: '
            'give as many, or one config, or one checkpoint'
        )
    args.configs = [find_config(config) for config in args.configs]
    for checkpoint in args.checkpoints:
        check_checkpoint(checkpoint)
    check_folder('--work-dir', args.work_dir)
    args.configs *= max(numbers) // numbers[0]
    args.checkpoints *= max(numbers) // numbers[1]


def run(args: argparse.Namespace) -> None:
    """Test one after the other."""
    from .testing import average_tests

    average_tests(args.configs, args.checkpoints, args)
