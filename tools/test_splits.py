"""Test on several splits, or several seeds: mean and standard deviation.

Usage: python tools/test_splits.py CONFIG [CONFIG ...] --checkpoints
CHECKPOINT [CHECKPOINT ...] [--views 4x3] [further options of tools/test.py]

One checkpoint serves all configs, as on the three splits of Kinetics-600
zero-shot; each config has its own, as on the splits of UCF-101; or one config
serves several checkpoints, as of several seeds.
"""

import argparse
import sys

from mmengine.config import DictAction

from bike_mmaction.cli.testing import add_test_arguments, average_tests


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument(
        '--checkpoints',
        nargs='+',
        required=True,
        metavar='CHECKPOINT',
        help="one for all configs or one for each; or 'pretrained': CLIP's own weights",
    )
    parser.add_argument('--work-dir', default='work_dirs/test_splits')
    parser.add_argument(
        '--launcher', choices=('none', 'pytorch', 'slurm'), default='none'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='options to override in every config, as KEY=VALUE',
    )
    add_test_arguments(parser)
    args = parser.parse_args()
    numbers = len(args.configs), len(args.checkpoints)
    if 1 not in numbers and numbers[0] != numbers[1]:
        parser.error(
            f'{numbers[0]} configs, but {numbers[1]} checkpoints: '
            'give as many, or one config, or one checkpoint'
        )
    args.configs *= max(numbers) // numbers[0]
    args.checkpoints *= max(numbers) // numbers[1]
    return args


def main() -> None:
    args = parse_args()
    try:
        average_tests(args.configs, args.checkpoints, args)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'test_splits: {error}')


if __name__ == '__main__':
    main()
