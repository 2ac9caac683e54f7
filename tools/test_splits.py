"""Test on several splits, or several seeds: mean and standard deviation.

Usage: python tools/test_splits.py CONFIG [CONFIG ...] --checkpoints
CHECKPOINT [CHECKPOINT ...] [--views 4x3] [further options of tools/test.py]

One checkpoint serves all configs, as on the three splits of Kinetics-600
zero-shot; or each config has its own, as on the splits of UCF-101.
"""
import argparse
import sys

from mmengine.config import DictAction

from bike_mmaction.apis import add_test_arguments, average_tests


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument(
        '--checkpoints',
        nargs='+',
        required=True,
        metavar='CHECKPOINT',
        help="one for all configs or one for each; or 'pretrained'")
    parser.add_argument('--work-dir', default='work_dirs/test_splits')
    parser.add_argument(
        '--launcher', choices=('none', 'pytorch', 'slurm'), default='none')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='options to override in every config, as KEY=VALUE')
    add_test_arguments(parser)
    args = parser.parse_args()
    if len(args.checkpoints) not in (1, len(args.configs)):
        parser.error(f'{len(args.configs)} configs, but '
                     f'{len(args.checkpoints)} checkpoints: give one, or one '
                     'for each')
    return args


def main() -> None:
    args = parse_args()
    checkpoints = args.checkpoints
    if len(checkpoints) == 1:
        checkpoints = checkpoints * len(args.configs)
    try:
        average_tests(args.configs, checkpoints, args)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'test_splits: {error}')


if __name__ == '__main__':
    main()
