"""Label folders, lists or tables of videos, up to millions of them.

As `bike label`; the options: python tools/label.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('label')


if __name__ == '__main__':
    main()
