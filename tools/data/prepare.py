"""Write the lists that the configs read, from the official annotation files.

Usage: python tools/data/prepare.py ucf101 --annotations ucfTrainTestlist
With extracted frames: ... --rawframes

The videos lie in the folders `videos`, or `videos_train` and `videos_val`, of
the data root; extracted frames in `rawframes`, or `rawframes_train` and
`rawframes_val`. Videos that are absent are left out and listed in
`..._missing.txt`.
"""
import argparse
import csv
import os.path as osp
import sys
from typing import List, NamedTuple, Optional, Sequence

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.datasets.annotation import (EXTENSIONS, FrameFolder,
                                               VideoFolder, make_list,
                                               without_extension, write_lines,
                                               write_missing)
from bike_mmaction.datasets.catalog import CATALOG, DatasetInfo, find_dataset
from bike_mmaction.datasets.class_labels import ClassLabels
from bike_mmaction.datasets.official import (OfficialList,
                                             official_class_names,
                                             read_official)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'dataset', metavar='DATASET', help=f"one of {', '.join(CATALOG)}")
    parser.add_argument(
        '--annotations',
        required=True,
        metavar='DIR',
        help='folder of the official annotation files')
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        help='folder of the videos and the lists (default: where the configs '
        'look, such as data/ucf101)')
    parser.add_argument(
        '--splits',
        nargs='+',
        type=int,
        help='numbers of the official splits (default: all)')
    parser.add_argument(
        '--rawframes',
        action='store_true',
        help='lists of extracted frames instead of videos')
    parser.add_argument(
        '--fps',
        type=float,
        default=24,
        help='at which frames were extracted, for segments of videos '
        '(default: 24, as the frames of Charades are published)')
    args = parser.parse_args()
    if args.fps <= 0:
        parser.error(f'--fps {args.fps:g} must be positive')
    return args


class Plan(NamedTuple):
    """A list to write: its path, its content, and where the videos lie."""
    path: str
    content: OfficialList
    root: str


def plan(info: DatasetInfo, annotations: str, data_root: str, kind: str,
         splits: Sequence[Optional[int]]) -> List[Plan]:
    """Read the official files of all lists."""
    plans = []
    for split in splits:
        info.list_name(info.parts[0], split)  # raises if there is no such
        labels = ClassLabels(official_class_names(info, annotations, split))
        for part in info.parts:
            path = osp.join(data_root, info.list_name(part, split, kind))
            content = read_official(info, annotations, part, split, labels)
            root = osp.join(data_root, info.folder(part, kind))
            plans.append(Plan(path, content, root))
    return plans


def write(planned: Plan, folder: VideoFolder) -> bool:
    """Write a list and report on it; False if none of its videos is there."""
    found = make_list(planned.content.entries, folder)
    remarks = {**planned.content.remarks, **found.remarks}
    remarks = ''.join(f'; {n} {what}' for what, n in remarks.items() if n)
    if not found.lines:
        older = '; an older one is still there' if osp.exists(
            planned.path) else ''
        print(f'{planned.path}: not written, nothing found in '
              f"'{planned.root}'{remarks}{older}")
        return False
    write_lines(planned.path, found.lines)
    count = f'{found.videos} videos'
    if len(found.lines) != found.videos:
        count = f'{len(found.lines)} segments of {count}'
    print(f'{planned.path}: {count}; {len(found.missing)} missing on disk'
          f'{remarks}')
    write_missing(planned.path, found.missing)
    return True


def prepare(info: DatasetInfo, annotations: str, data_root: str, kind: str,
            splits: Sequence[Optional[int]], fps: float) -> bool:
    """Write all lists of a data set.

    Args:
        info (DatasetInfo): The data set.
        annotations (str): Folder of the official files.
        data_root (str): Folder of the videos and the lists.
        kind (str): 'videos' or 'rawframes'.
        splits (Sequence[int | None]): Numbers of the official splits.
        fps (float): Of extracted frames.

    Returns:
        bool: Whether all lists that exist now are new.

    Raises:
        OSError: if a file is absent.
        ValueError: if one is malformed, or no video is found at all.
    """
    plans = plan(info, annotations, data_root, kind, splits)
    folders = {
        root:
        VideoFolder(root) if kind == 'videos' else FrameFolder(
            root, info.frames, fps)
        for root in dict.fromkeys(planned.root for planned in plans)
    }
    left_out = [
        planned for planned in plans
        if not write(planned, folders[planned.root])
    ]
    if len(left_out) == len(plans):
        names = [e.names[0] for p in plans for e in p.content.entries]
        raise ValueError(
            f"no video found in {' and '.join(map(repr, folders))}; expected "
            f'{expected(kind, info, (names or ["?"])[0])}')
    if info.name == 'kinetics600':  # the configs read them from there
        names = official_class_names(info, annotations)
        path = osp.join(data_root, 'class_names.txt')
        write_lines(path, names)
        print(f'{path}: {len(names)} classes')
    return not any(osp.exists(planned.path) for planned in left_out)


def expected(kind: str, info: DatasetInfo, name: str) -> str:
    """What a video may be called, for a message."""
    stem = without_extension(name)
    if kind == 'videos':
        return (f"files such as '{stem}{EXTENSIONS[0]}' (one of "
                f"{', '.join(EXTENSIONS)})")
    frame = info.frames.replace('{video}', osp.basename(stem)).format(1)
    return f"frames such as '{stem}/{frame}'"


def main() -> None:
    args = parse_args()
    try:
        info = find_dataset(args.dataset)
        all_new = prepare(info, args.annotations, args.data_root
                          or info.data_root,
                          'rawframes' if args.rawframes else 'videos',
                          args.splits or info.splits or (None, ), args.fps)
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f'prepare: {error}')
    sys.exit(not all_new)


if __name__ == '__main__':
    main()
