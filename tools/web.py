"""Serve a web page on this machine: drop a video, name classes, look.

As `bike web`; the options: python tools/web.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('web')


if __name__ == '__main__':
    main()
