"""Check that the videos of a data set can be read, before training on them.

As `bike check-videos`; the options: python tools/data/check_videos.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('check-videos')


if __name__ == '__main__':
    main()
