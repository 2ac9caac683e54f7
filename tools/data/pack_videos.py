"""Write the videos of a data set into a few large tar files.

As `bike pack-videos`; the options: python tools/data/pack_videos.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('pack-videos')


if __name__ == '__main__':
    main()
