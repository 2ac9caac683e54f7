"""Train a recognizer: MMAction2's ``tools/train.py``, for BIKE's configs.

As `bike train`; the options: python tools/train.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('train')


if __name__ == '__main__':
    main()
