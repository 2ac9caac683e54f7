"""Test on several splits, or several seeds: mean and standard deviation.

As `bike test-splits`; the options: python tools/test_splits.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('test-splits')


if __name__ == '__main__':
    main()
