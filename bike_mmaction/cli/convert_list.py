"""Convert a list of the BIKE authors to a list that the configs read.

A line of theirs is `path frames label` (extracted frames) or `path label`
(video files). Labels stay as they are, unless `--class-names` and `--dataset`
say in which order their and this project's classes are. Where videos are
wanted, folders of frames are called as the videos are usually; trimmed
segments have no video files, `bike prepare` lists them.
"""

import argparse
import csv
import os.path as osp
from typing import Optional

from ..datasets.catalog import CATALOG
from .arguments import check_input, check_output
from .values import number


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('list', metavar='LIST', help='the list to read')
    parser.add_argument('out', metavar='OUT', help='the list to write')
    parser.add_argument(
        '--to', choices=('videos', 'rawframes'), required=True, help='kind'
    )
    parser.add_argument(
        '--extension', help='appended to paths without one (default: .mp4)'
    )
    parser.add_argument(
        '--videos-root',
        metavar='DIR',
        help='look for the videos below this folder, instead of appending an extension',
    )
    _add_frame_options(parser)
    _add_label_options(parser)
    return parser


def _add_frame_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--frames-root',
        metavar='DIR',
        help='count the frames below this folder; needed unless the list has '
        'their numbers',
    )
    parser.add_argument(
        '--frames',
        metavar='TEMPLATE',
        help="how extracted frames are called, such as 'img_{:05}.jpg' "
        '(default: as the configs of --dataset expect, or as most are)',
    )
    parser.add_argument(
        '--min-frames',
        type=number,
        default=0,
        help='leave out what has fewer frames (the authors: 8, of the '
        'segments of ActivityNet)',
    )


def _add_label_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--class-names',
        metavar='CSV',
        help='the classes in the order of their labels: `id,name`, or a name a line',
    )
    parser.add_argument(
        '--dataset',
        choices=tuple(CATALOG),
        metavar='DATASET',
        help='whose labels they are, or whose order of classes to translate '
        f'to, and how frames and segments are named: {", ".join(CATALOG)}',
    )
    parser.add_argument(
        '--split', type=int, help='of the classes, for kinetics600_zeroshot'
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse options that do not fit, or would have no effect."""
    if args.class_names and not args.dataset:
        parser.error('--class-names needs --dataset')
    if args.split is not None and not args.class_names:
        parser.error('--split needs --class-names')
    info = CATALOG[args.dataset] if args.class_names else None
    if info and '{split}' in info.class_names and args.split not in info.splits:
        parser.error(
            f'--class-names with --dataset {info.name} needs --split,'
            f' one of {", ".join(map(str, info.splits))}'
        )
    if args.to == 'videos' and args.frames_root:
        parser.error('--frames-root needs --to rawframes')
    if args.to == 'videos' and args.frames:
        parser.error('--frames needs --to rawframes')
    if args.to == 'rawframes' and args.videos_root:
        parser.error('--videos-root needs --to videos')
    if args.extension is None:
        args.extension = '.mp4'
    elif args.to == 'rawframes' or args.videos_root:
        parser.error('--extension needs --to videos without --videos-root')
    if not args.extension.startswith('.'):
        parser.error(f"--extension '{args.extension}' must begin with a dot")
    if (
        osp.exists(args.list)
        and osp.exists(args.out)
        and osp.samefile(args.list, args.out)
    ):
        parser.error(f"OUT '{args.out}' is LIST itself: give another path")
    _check_places(args)


def _check_places(args: argparse.Namespace) -> None:
    for option in ('list', 'videos_root', 'frames_root', 'class_names'):
        name = 'LIST' if option == 'list' else f'--{option.replace("_", "-")}'
        check_input(name, getattr(args, option))
    check_output('OUT', args.out)


def run(args: argparse.Namespace) -> None:
    """Read, convert, write and report."""
    from ..datasets.converting import Options, convert

    values = dict(vars(args))
    options = Options(path=values.pop('list'), **values)
    try:
        convert(options)
    except csv.Error as error:
        raise ValueError(str(error)) from error
