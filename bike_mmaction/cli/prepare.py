"""Write the lists that the configs read, from the official annotation files.

The videos lie in the folders `videos`, or `videos_train` and `videos_val`, of
the data root (`videos_test` for the zero-shot splits of Kinetics-600);
extracted frames in `rawframes`, or `rawframes_train` and `rawframes_val`.
Videos that are absent are left out and listed in `..._missing.txt`. The list
`..._full_list_...` of a data set has all its videos, for zero-shot tests.
"""

import argparse
import csv
import os.path as osp
from typing import Optional

from ..datasets.catalog import CATALOG, find_dataset
from .arguments import check_folder
from .values import count, positive


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument(
        'dataset', metavar='DATASET', help=f'one of {", ".join(CATALOG)}'
    )
    parser.add_argument(
        '--annotations',
        required=True,
        metavar='DIR',
        help='folder of the official annotation files',
    )
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        help='folder of the videos and the lists (default: where the configs '
        'look, such as data/ucf101)',
    )
    parser.add_argument(
        '--splits',
        nargs='+',
        type=count,
        help='numbers of the official splits (default: all, and the list of '
        'all videos)',
    )
    _add_frame_options(parser)
    return parser


def _add_frame_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--rawframes',
        action='store_true',
        help='lists of extracted frames instead of videos',
    )
    parser.add_argument(
        '--frames',
        metavar='TEMPLATE',
        help="how extracted frames are called, such as 'img_{:05}.jpg' "
        '(default: as the configs expect, or as most are)',
    )
    parser.add_argument(
        '--fps',
        type=positive,
        help='at which frames were extracted, for segments of videos '
        '(default: 1 of ActivityNet, 24 of Charades, whose frames are '
        'published so)',
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what does not fit, or would have no effect."""
    if args.frames and not args.rawframes:
        parser.error('--frames needs --rawframes')
    cut = [info.name for info in CATALOG.values() if info.segments]
    if args.fps and not (args.rawframes and args.dataset in cut):
        parser.error(
            '--fps needs --rawframes and segments, which are in the '
            f'lists of {", ".join(cut)}'
        )
    info = find_dataset(args.dataset)
    if not osp.isdir(args.annotations):
        raise FileNotFoundError(f"--annotations '{args.annotations}' is no folder")
    check_folder('--data-root', args.data_root or info.data_root)


def run(args: argparse.Namespace) -> bool:
    """Write the lists; whether an older one is left."""
    from ..datasets.preparing import prepare

    info = find_dataset(args.dataset)
    try:
        return not prepare(
            info,
            args.annotations,
            args.data_root or info.data_root,
            'rawframes' if args.rawframes else 'videos',
            args.splits,
            args.frames,
            args.fps,
        )
    except csv.Error as error:
        raise ValueError(str(error)) from error
