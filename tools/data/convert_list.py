"""Convert a list of the BIKE authors to a list that the configs read.

Usage: python tools/data/convert_list.py THEIRS.txt \
data/ucf101/ucf101_val_split1_list_videos.txt --to videos

A line of theirs is `path frames label` (extracted frames) or `path label`
(video files). Labels stay as they are, unless `--class-names` and `--dataset`
say in which order their and this project's classes are.
"""
import argparse
import csv
import os.path as osp
import sys
from typing import List

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.datasets.annotation import (AnnotationList, FrameFolder,
                                               VideoFolder, make_list,
                                               read_list, without_extension,
                                               write_lines, write_missing)
from bike_mmaction.datasets.catalog import CATALOG, find_dataset
from bike_mmaction.datasets.class_labels import ClassLabels
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.official import Entry


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('list', metavar='LIST', help='the list to read')
    parser.add_argument('out', metavar='OUT', help='the list to write')
    parser.add_argument(
        '--to', choices=('videos', 'rawframes'), required=True, help='kind')
    parser.add_argument(
        '--extension',
        default='.mp4',
        help='appended to paths without one (default: .mp4)')
    parser.add_argument(
        '--videos-root',
        metavar='DIR',
        help='look for the videos below this folder, instead of appending '
        'an extension')
    parser.add_argument(
        '--frames-root',
        metavar='DIR',
        help='count the frames below this folder; needed unless the list has '
        'their numbers')
    parser.add_argument(
        '--class-names',
        metavar='CSV',
        help='the classes in the order of their labels: `id,name`, or a name '
        'a line')
    parser.add_argument(
        '--dataset',
        choices=tuple(CATALOG),
        metavar='DATASET',
        help='whose labels they are, or whose order of classes to translate '
        'to, and how frames are named (default: img_00001.jpg ...): '
        f"{', '.join(CATALOG)}")
    parser.add_argument(
        '--split', type=int, help='of the classes, for kinetics600_zeroshot')
    args = parser.parse_args()
    _check_options(parser, args)
    return args


def _check_options(parser, args: argparse.Namespace) -> None:
    """Refuse options that do not fit, or would have no effect."""
    if args.class_names and not args.dataset:
        parser.error('--class-names needs --dataset')
    if args.split is not None and not args.class_names:
        parser.error('--split needs --class-names')
    info = CATALOG[args.dataset] if args.class_names else None
    if info and '{split}' in info.class_names and \
            args.split not in info.splits:
        parser.error(f'--class-names with --dataset {info.name} needs --split,'
                     f" one of {', '.join(map(str, info.splits))}")
    if args.to == 'videos' and args.frames_root:
        parser.error('--frames-root needs --to rawframes')
    if args.to == 'rawframes' and args.videos_root:
        parser.error('--videos-root needs --to videos')
    if not args.extension.startswith('.'):
        parser.error(f"--extension '{args.extension}' must begin with a dot")
    if osp.exists(args.list) and osp.exists(args.out) and \
            osp.samefile(args.list, args.out):
        parser.error(f"OUT '{args.out}' is LIST itself: give another path")


def translate(entries: List[Entry], theirs: List[str],
              ours: List[str]) -> List[Entry]:
    """Give entries the labels that their classes have here.

    Args:
        entries (list[Entry]): With labels in the order of ``theirs``.
        theirs (list[str]): Class names.
        ours (list[str]): Class names, maybe more and in another order.

    Raises:
        ValueError: if a class has no counterpart or two have the same, or a
            label has no class.
    """
    labels = ClassLabels(ours)
    order = [labels.find(name, '--class-names') for name in theirs]
    for number, label in enumerate(order):
        other = order.index(label)
        if other != number:
            raise ValueError(f'--class-names: {theirs[other]!r} and '
                             f'{theirs[number]!r} both stand for the class '
                             f'{ours[label]!r}')
    check_labels(entries, len(order), '--class-names')
    moved = sum(label != i for i, label in enumerate(order))
    print(f'labels translated, {moved} of {len(order)} classes have another '
          'number here' if moved else 'labels kept: the classes are in the '
          'same order (identity)')
    return [e._replace(labels=(order[e.labels[0]], )) for e in entries]


def check_labels(entries: List[Entry], num_classes: int, what: str) -> None:
    """Raise if a label is not below ``num_classes``.

    Raises:
        ValueError: names the entry and what has the classes.
    """
    for entry in entries:
        if entry.labels[0] >= num_classes:
            raise ValueError(f"'{entry.names[0]}' has label {entry.labels[0]},"
                             f' but {what} has {num_classes} classes')


def make_lines(args: argparse.Namespace, kind: str, entries: List[Entry],
               totals: List[int]) -> AnnotationList:
    """The lines of the new list."""
    root = args.videos_root or args.frames_root
    if root:
        template = find_dataset(args.dataset or 'kinetics400').frames
        folder = VideoFolder(root) if args.to == 'videos' else FrameFolder(
            root, template)
        return make_list(entries, folder)
    if args.to == 'rawframes' and kind == 'videos':
        raise ValueError(f"'{args.list}' has no numbers of frames: give "
                         '--frames-root to count them')
    lines = []
    for i, (names, labels, _) in enumerate(entries):
        path = names[0]
        if args.to == 'rawframes':
            path += f' {totals[i]}'
        elif path == without_extension(path):
            path += args.extension
        lines.append(f'{path} {labels[0]}')
    return AnnotationList(lines, [], {}, len(lines))


def convert(args: argparse.Namespace) -> None:
    """Read, convert, write and report."""
    kind, entries, totals = read_list(args.list)
    if args.class_names:
        source = find_dataset(args.dataset).classes(args.split)
        entries = translate(
            entries, load_class_names(args.class_names, '--class-names'),
            load_class_names(source, '--dataset'))
    elif args.dataset:
        check_labels(entries,
                     find_dataset(args.dataset).num_classes,
                     f'--dataset {args.dataset}')
    found = make_lines(args, kind, entries, totals)
    if not found.lines:
        raise ValueError(
            f"no video found in '{args.videos_root or args.frames_root}'; "
            f"expected such as '{entries[0].names[0]}'")
    write_lines(args.out, found.lines)
    write_missing(args.out, found.missing)
    remarks = ''.join(f'; {n} {what}' for what, n in found.remarks.items())
    print(f'{args.out}: {len(found.lines)} of {len(entries)} lines; '
          f'{len(found.missing)} missing on disk{remarks}')


def main() -> None:
    args = parse_args()
    try:
        convert(args)
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f'convert_list: {error}')


if __name__ == '__main__':
    main()
