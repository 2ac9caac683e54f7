"""Convert a list of the BIKE authors to a list that the configs read.

Usage: python tools/data/convert_list.py THEIRS.txt \
data/ucf101/ucf101_val_split1_list_videos.txt --to videos

A line of theirs is `path frames label` (extracted frames) or `path label`
(video files). Labels stay as they are, unless `--class-names` and `--dataset`
say in which order their and this project's classes are. Where videos are
wanted, folders of frames are called as the videos are usually; trimmed
segments have no video files, tools/data/prepare.py lists them.
"""

import argparse
import csv
import os.path as osp
import sys
from typing import Optional

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.datasets.annotation import (
    AnnotationList,
    FrameFolder,
    VideoFolder,
    make_list,
    remark_on_frames,
    without_extension,
    write_lines,
    write_missing,
)
from bike_mmaction.datasets.catalog import CATALOG, FRAMES, DatasetInfo, find_dataset
from bike_mmaction.datasets.class_labels import ClassLabels
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.official import Entry
from bike_mmaction.datasets.released_lists import (
    ReleasedList,
    find_segment,
    name_videos,
    read_list,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('list', metavar='LIST', help='the list to read')
    parser.add_argument('out', metavar='OUT', help='the list to write')
    parser.add_argument(
        '--to', choices=('videos', 'rawframes'), required=True, help='kind'
    )
    parser.add_argument(
        '--extension',
        default='.mp4',
        help='appended to paths without one (default: .mp4)',
    )
    parser.add_argument(
        '--videos-root',
        metavar='DIR',
        help='look for the videos below this folder, instead of appending an extension',
    )
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
        type=int,
        default=0,
        help='leave out what has fewer frames (the authors: 8, of the '
        'segments of ActivityNet)',
    )
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
    if info and '{split}' in info.class_names and args.split not in info.splits:
        parser.error(
            f'--class-names with --dataset {info.name} needs --split,'
            f' one of {", ".join(map(str, info.splits))}'
        )
    if args.to == 'videos' and args.frames_root:
        parser.error('--frames-root needs --to rawframes')
    if args.min_frames < 0:
        parser.error(f'--min-frames {args.min_frames} must not be negative')
    if args.to == 'videos' and args.frames:
        parser.error('--frames needs --to rawframes')
    if args.to == 'rawframes' and args.videos_root:
        parser.error('--videos-root needs --to videos')
    if not args.extension.startswith('.'):
        parser.error(f"--extension '{args.extension}' must begin with a dot")
    if (
        osp.exists(args.list)
        and osp.exists(args.out)
        and osp.samefile(args.list, args.out)
    ):
        parser.error(f"OUT '{args.out}' is LIST itself: give another path")


def translate(entries: list[Entry], theirs: list[str], ours: list[str]) -> list[Entry]:
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
            raise ValueError(
                f'--class-names: {theirs[other]!r} and '
                f'{theirs[number]!r} both stand for the class '
                f'{ours[label]!r}'
            )
    check_labels(entries, len(order), '--class-names')
    moved = sum(label != i for i, label in enumerate(order))
    print(
        f'labels translated, {moved} of {len(order)} classes have another number here'
        if moved
        else 'labels kept: the classes are in the same order (identity)'
    )
    return [e._replace(labels=(order[e.labels[0]],)) for e in entries]


def check_labels(entries: list[Entry], num_classes: int, what: str) -> None:
    """Raise if a label is not below ``num_classes``.

    Raises:
        ValueError: names the entry and what has the classes.
    """
    for entry in entries:
        if entry.labels[0] >= num_classes:
            raise ValueError(
                f"'{entry.names[0]}' has label {entry.labels[0]},"
                f' but {what} has {num_classes} classes'
            )


def check_segments(
    args: argparse.Namespace, source: ReleasedList, info: Optional[DatasetInfo]
) -> bool:
    """Whether the list names trimmed segments.

    Raises:
        ValueError: if it does, and the new list cannot.
    """
    name = find_segment(source.entries, info)
    if name and args.to == 'videos':
        raise ValueError(
            f"'{source.path}' names trimmed segments such as '{name}', of "
            'which there are no video files; tools/data/prepare.py '
            f'{args.dataset or "activitynet"} writes a list of the segments '
            'from the official annotation'
        )
    if name and not info:
        raise ValueError(
            f"'{name}' in '{source.path}' looks like a segment of a video of "
            'ActivityNet, which lists name in another form: give --dataset '
            'activitynet, or the one that it is of'
        )
    return name is not None


def make_lines(args: argparse.Namespace, source: ReleasedList) -> AnnotationList:
    """The lines of the new list, as far as its videos are long enough."""
    if args.frames_root:
        found = make_list(source.entries, frame_folder(args))
        long = [x for x in found.lines if int(x.split()[1]) >= args.min_frames]
        left_out = len(found.lines) - len(long)
        found = found._replace(lines=long)
    elif source.totals:
        long = source.with_frames(args.min_frames)
        left_out = len(source.entries) - len(long.entries)
        found = without_frames(args, long)
    elif args.to == 'rawframes' or args.min_frames:
        raise ValueError(
            f"'{source.path}' has no numbers of frames: give "
            '--frames-root to count them'
        )
    else:
        found, left_out = without_frames(args, source), 0
    short = f'left out, fewer than {args.min_frames} frames'
    return found._replace(remarks={**found.remarks, short: left_out})


def frame_folder(args: argparse.Namespace) -> FrameFolder:
    """The frames on disk; also their name, if none was given."""
    expected = find_dataset(args.dataset or 'kinetics400').frames
    templates = (
        [args.frames]
        if args.frames
        else sorted(FRAMES, key=lambda template: template != expected)
    )
    folder = FrameFolder(args.frames_root, templates)
    args.frames = folder.template
    return folder


def without_frames(args: argparse.Namespace, source: ReleasedList) -> AnnotationList:
    """The lines, where no frames are to be counted."""
    if args.videos_root:
        return make_list(source.entries, VideoFolder(args.videos_root))
    lines = []
    for i, (names, labels, _) in enumerate(source.entries):
        path = names[-1]
        if args.to == 'rawframes':
            path += f' {source.totals[i]}'
        elif path == without_extension(path):
            path += args.extension
        lines.append(f'{path} {labels[0]}')
    return AnnotationList(lines, [], {}, len(lines))


def change_labels(args: argparse.Namespace, entries: list[Entry]) -> list[Entry]:
    """Translate the labels as the options say, or check them."""
    if args.class_names:
        source = find_dataset(args.dataset).classes(args.split)
        return translate(
            entries,
            load_class_names(args.class_names, '--class-names'),
            load_class_names(source, '--dataset'),
        )
    if args.dataset:
        check_labels(
            entries, find_dataset(args.dataset).num_classes, f'--dataset {args.dataset}'
        )
    return entries


def convert(args: argparse.Namespace) -> None:
    """Read, convert, write and report."""
    info = find_dataset(args.dataset) if args.dataset else None
    source = read_list(args.list)
    segments = check_segments(args, source, info)
    entries = change_labels(args, source.entries)
    if args.to == 'videos' and source.totals:
        entries = name_videos(entries, info)
    found = make_lines(args, source._replace(entries=entries))
    remarks = ''.join(f'; {n} {what}' for what, n in found.remarks.items() if n)
    if not found.lines:
        raise ValueError(
            'nothing left for the list: no video found in '
            f"'{args.videos_root or args.frames_root or args.list}'; "
            f"expected such as '{entries[0].names[-1]}'{remarks}"
        )
    if segments:  # frames of their own, from the first one on
        lines = [x.split() for x in found.lines]
        found = found._replace(lines=[' '.join([x, '0', *y]) for x, *y in lines])
    write_lines(args.out, found.lines)
    write_missing(args.out, found.missing)
    print(
        f'{args.out}: {len(found.lines)} of {len(entries)} lines; '
        f'{len(found.missing)} missing on disk{remarks}'
    )
    if args.to == 'rawframes':
        print(describe_frames(args.frames, info))


def describe_frames(template: Optional[str], info: Optional[DatasetInfo]) -> str:
    """How frames are called, or should be, and what to do otherwise."""
    if info and template and template != info.frames:
        return remark_on_frames(template, info.frames)
    known = template or (info and info.frames)
    known = f"frames are to be called '{known}'; " if known else ''
    return (
        f'{known}where a config expects other names of frames than there '
        'are, give tools/train.py and test.py --frames TEMPLATE'
    )


def main() -> None:
    args = parse_args()
    try:
        convert(args)
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f'convert_list: {error}')


if __name__ == '__main__':
    main()
