"""Fuse the scores of both branches after the test, and choose the weight.

As `bike fuse-scores`; the options: python tools/fuse_scores.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('fuse-scores')


if __name__ == '__main__':
    main()
