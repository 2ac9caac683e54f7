"""Join videos of one size into a long one.

Usage: python tools/demo/join.py OUT.mp4 VIDEO VIDEO ...
"""

import argparse
import os
import os.path as osp

from bike_mmaction.video import VideoReader
from bike_mmaction.visualization import write_video


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('out')
    parser.add_argument('videos', nargs='+')
    args = parser.parse_args()
    readers = [VideoReader(path) for path in args.videos]
    os.makedirs(osp.dirname(osp.abspath(args.out)), exist_ok=True)
    write_video(
        args.out,
        (image for reader in readers for image in reader.iterate()),
        readers[0].average_rate,
    )


if __name__ == '__main__':
    main()
