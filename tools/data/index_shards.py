"""Write the index of tar files of videos, such as those of webdataset.

As `bike index-shards`; the options: python tools/data/index_shards.py --help
"""

from bike_mmaction_cli import run


def main() -> None:
    run('index-shards')


if __name__ == '__main__':
    main()
