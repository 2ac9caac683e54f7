"""Make a page about a test: how good, which mistakes, what to do next.

As `bike report`; the options: python tools/report.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('report')


if __name__ == '__main__':
    main()
