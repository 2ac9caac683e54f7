"""Reproduce a table of the paper with the data and checkpoints at hand.

As `bike reproduce`; the options: python tools/reproduce.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('reproduce')


if __name__ == '__main__':
    main()
