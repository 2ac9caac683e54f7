"""Join videos of one size into a long one.

Usage: python tools/demo/join.py OUT.mp4 VIDEO VIDEO ...
"""

import argparse
import os
import os.path as osp

import decord

from bike_mmaction.visualization import write_video


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('out')
    parser.add_argument('videos', nargs='+')
    args = parser.parse_args()
    readers = [decord.VideoReader(path) for path in args.videos]
    os.makedirs(osp.dirname(osp.abspath(args.out)), exist_ok=True)
    write_video(
        args.out,
        (frame.asnumpy() for reader in readers for frame in reader),
        readers[0].get_avg_fps(),
    )


if __name__ == '__main__':
    main()
