"""Measure what parts of BIKE cost, as ratios of one run.

As `bike benchmark`; the options: python tools/benchmark.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('benchmark')


if __name__ == '__main__':
    main()
