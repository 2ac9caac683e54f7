"""Find videos by text, and when it is in them.

As `bike search`; the options: python tools/search.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('search')


if __name__ == '__main__':
    main()
