"""Join a video branch and an attributes branch that were trained apart.

As `bike merge-checkpoints`; the options: python tools/merge_checkpoints.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('merge-checkpoints')


if __name__ == '__main__':
    main()
