"""Convert a list of the BIKE authors to a list that the configs read.

As `bike convert-list`; the options: python tools/data/convert_list.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('convert-list')


if __name__ == '__main__':
    main()
