"""Write the lists that the configs read, from the official annotation files.

As `bike prepare`; the options: python tools/data/prepare.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('prepare')


if __name__ == '__main__':
    main()
