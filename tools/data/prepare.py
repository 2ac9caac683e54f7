"""Write the lists that the configs read, from the official annotation files.

Usage: python tools/data/prepare.py ucf101 --annotations ucfTrainTestlist
With extracted frames: ... --rawframes

The videos lie in the folders `videos`, or `videos_train` and `videos_val`, of
the data root (`videos_test` for the zero-shot splits of Kinetics-600);
extracted frames in `rawframes`, or `rawframes_train` and `rawframes_val`.
Videos that are absent are left out and listed in `..._missing.txt`. The list
`..._full_list_...` of a data set has all its videos, for zero-shot tests.
"""

import argparse
import csv
import os.path as osp
import sys
from collections.abc import Sequence
from typing import NamedTuple, Optional

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.datasets.annotation import (
    EXTENSIONS,
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
from bike_mmaction.datasets.official import (
    OfficialList,
    official_class_names,
    read_official,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        type=int,
        help='numbers of the official splits (default: all, and the list of '
        'all videos)',
    )
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
        type=float,
        help='at which frames were extracted, for segments of videos '
        '(default: 1 of ActivityNet, 24 of Charades, whose frames are '
        'published so)',
    )
    args = parser.parse_args()
    if args.fps is not None and args.fps <= 0:
        parser.error(f'--fps {args.fps:g} must be positive')
    if args.frames and not args.rawframes:
        parser.error('--frames needs --rawframes')
    cut = [info.name for info in CATALOG.values() if info.segments]
    if args.fps and not (args.rawframes and args.dataset in cut):
        parser.error(
            '--fps needs --rawframes and segments, which are in the '
            f'lists of {", ".join(cut)}'
        )
    return args


class Plan(NamedTuple):
    """A list to write: its path, its content, and where the videos lie."""

    path: str
    content: OfficialList
    root: str


def plan(
    info: DatasetInfo,
    annotations: str,
    data_root: str,
    kind: str,
    splits: Optional[Sequence[int]],
) -> list[Plan]:
    """Read the official files of all lists."""
    wanted = [
        (part, split)
        for split in splits or info.splits or (None,)
        for part in info.parts
        if part != 'full'
    ]
    if 'full' in info.parts and not splits:
        wanted.append(('full', None))
    plans, labels = [], {}
    for part, split in wanted:
        # Raises if there is no such split, before a file is read.
        path = osp.join(data_root, info.list_name(part, split, kind))
        if split not in labels:
            labels[split] = ClassLabels(official_class_names(info, annotations, split))
        content = read_official(info, annotations, part, split, labels[split])
        root = osp.join(data_root, info.folder(part, kind))
        plans.append(Plan(path, content, root))
    return plans


def write(planned: Plan, folder: VideoFolder) -> bool:
    """Write a list and report on it; False if none of its videos is there."""
    found = make_list(planned.content.entries, folder)
    remarks = {**planned.content.remarks, **found.remarks}
    remarks = ''.join(f'; {n} {what}' for what, n in remarks.items() if n)
    if not found.lines:
        older = '; an older one is still there' if osp.exists(planned.path) else ''
        print(
            f'{planned.path}: not written, nothing found in '
            f"'{planned.root}'{remarks}{older}"
        )
        return False
    write_lines(planned.path, found.lines)
    count = f'{found.videos} videos'
    if len(found.lines) != found.videos:
        count = f'{len(found.lines)} segments of {count}'
    print(f'{planned.path}: {count}; {len(found.missing)} missing on disk{remarks}')
    write_missing(planned.path, found.missing)
    return True


def open_folder(
    info: DatasetInfo, root: str, kind: str, frames: Optional[str], fps: Optional[float]
) -> VideoFolder:
    """Search a folder of videos or of frames.

    Args:
        info (DatasetInfo): The data set.
        root (str): The folder.
        kind (str): 'videos' or 'rawframes'.
        frames (str, optional): Name of frame number i; None: one of those
            that are known.
        fps (float, optional): Of extracted frames; None: the usual.
    """
    if kind == 'videos':
        return VideoFolder(root, info.shortest)
    templates = (
        [frames]
        if frames
        else sorted(FRAMES, key=lambda template: template != info.frames)
    )
    return FrameFolder(root, templates, fps or info.fps, info.shortest)


def prepare(
    info: DatasetInfo,
    annotations: str,
    data_root: str,
    kind: str,
    splits: Optional[Sequence[int]] = None,
    frames: Optional[str] = None,
    fps: Optional[float] = None,
) -> bool:
    """Write all lists of a data set.

    Args:
        info (DatasetInfo): The data set.
        annotations (str): Folder of the official files.
        data_root (str): Folder of the videos and the lists.
        kind (str): 'videos' or 'rawframes'.
        splits (Sequence[int], optional): Numbers of the official splits.
            Defaults to None: all, and the list of all videos.
        frames (str, optional): See :func:`open_folder`.
        fps (float, optional): See :func:`open_folder`.

    Returns:
        bool: Whether all lists that exist now are new.

    Raises:
        OSError: if a file is absent.
        ValueError: if one is malformed, or no video is found at all.
    """
    plans = plan(info, annotations, data_root, kind, splits)
    roots = dict.fromkeys(planned.root for planned in plans)
    folders = {root: open_folder(info, root, kind, frames, fps) for root in roots}
    left_out = [
        planned for planned in plans if not write(planned, folders[planned.root])
    ]
    if len(left_out) == len(plans):
        names = [e.names[0] for p in plans for e in p.content.entries]
        raise ValueError(
            f'no video found in {" and ".join(map(repr, folders))}; expected '
            f'{expected(kind, frames or info.frames, (names or ["?"])[0])}'
        )
    if info.name == 'kinetics600':  # the configs read them from there
        names = official_class_names(info, annotations)
        path = osp.join(data_root, 'class_names.txt')
        write_lines(path, names)
        print(f'{path}: {len(names)} classes')
    for root, folder in folders.items():
        remark = kind == 'rawframes' and remark_on_frames(folder.template, info.frames)
        if remark:
            print(f'{root}: {remark}')
    return not any(osp.exists(planned.path) for planned in left_out)


def expected(kind: str, frames: str, name: str) -> str:
    """What a video may be called, for a message."""
    stem = without_extension(name)
    if kind == 'videos':
        return f"files such as '{stem}{EXTENSIONS[0]}' (one of {', '.join(EXTENSIONS)})"
    frame = frames.replace('{video}', osp.basename(stem)).format(1)
    return f"frames such as '{stem}/{frame}' (other names: --frames TEMPLATE)"


def main() -> None:
    args = parse_args()
    try:
        info = find_dataset(args.dataset)
        all_new = prepare(
            info,
            args.annotations,
            args.data_root or info.data_root,
            'rawframes' if args.rawframes else 'videos',
            args.splits,
            args.frames,
            args.fps,
        )
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f'prepare: {error}')
    sys.exit(not all_new)


if __name__ == '__main__':
    main()
