"""The annotation files that the data sets are published with.

Read only; nothing is known here of what is on disk. See
``tools/data/prepare.py``, which makes the lists for training and testing.
"""

import json
import os.path as osp
import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from glob import escape, glob
from os import listdir
from typing import Callable, NamedTuple, Optional

from .catalog import DatasetInfo
from .class_labels import ClassLabels
from .class_names import load_class_names
from .text_files import read_fields, read_number, read_rows

KINETICS_COLUMNS = ('label', 'youtube_id', 'time_start', 'time_end')


class Entry(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        names (tuple[str]): What its file may be called: path below the
            folder of videos, or name alone, with extension or without.
        labels (tuple[int]): Numbers of its classes.
        segment (tuple[float, float], optional): Begin and end in seconds.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    segment: Optional[tuple[float, float]] = None


class OfficialList(NamedTuple):
    """What an official file lists.

    Attributes:
        entries (list[Entry]): In the order of the file.
        remarks (dict[str, int]): What was left out or changed, how often.
    """

    entries: list[Entry]
    remarks: dict[str, int]


def official_class_names(
    info: DatasetInfo, folder: str, split: Optional[int] = None
) -> list[str]:
    """Class names in the order of their labels.

    Those of Kinetics-600 are not built in: they are the sorted classes of its
    official training file.

    Args:
        info (DatasetInfo): The data set.
        folder (str): Folder of the official files.
        split (int, optional): Number of the official split.

    Raises:
        OSError: if a file is absent.
        ValueError: if a file has another number of classes.
    """
    if info.name != 'kinetics600':
        return load_class_names(info.classes(split))
    path = _kinetics_file(folder, 'train')
    names = sorted({row['label'] for _, row in read_rows(path, KINETICS_COLUMNS)})
    if len(names) != info.num_classes:
        raise ValueError(
            f"'{path}' names {len(names)} classes, expected "
            f'{info.num_classes} of {info.name}'
        )
    return names


def read_official(
    info: DatasetInfo, folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    """Read the official annotation of a part of a data set.

    Args:
        info (DatasetInfo): The data set.
        folder (str): Folder of the official files.
        part (str): One of ``info.parts``.
        split (int, optional): Number of the official split; None for 'full'.
        labels (ClassLabels): Its classes.

    Raises:
        OSError: if a file is absent or cannot be read.
        ValueError: if a line is malformed or a class unknown; names file
            and line.
    """
    read = READERS[info.name]
    if part != 'full' or not info.splits:
        return read(folder, part, split, labels)
    # All videos of all splits, each once; sorted, as the splits differ.
    entries = {
        entry
        for split in info.splits
        for entry in read(folder, part, split, labels).entries
    }
    return OfficialList(sorted(entries, key=lambda e: (e.labels, e.names)), {})


def _read_ucf101(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'ucfTrainTestlist')
    path = osp.join(folder, 'classInd.txt')
    classes = {}
    for _, (number, name) in read_fields(path, 2, '1 ApplyEyeMakeup'):
        classes[number] = name
    labels.check_all_found(list(classes.values()), f"'{path}'")
    lists = {'train': ('train',), 'val': ('test',), 'full': ('train', 'test')}
    entries = []
    for kind in lists[part]:
        path = osp.join(folder, f'{kind}list{split:02}.txt')
        count, example = (2, ' 1') if kind == 'train' else (1, '')
        for where, fields in read_fields(
            path, count, f'ApplyEyeMakeup/v_x_g01_c01.avi{example}'
        ):
            label = labels.find(osp.dirname(fields[0]), where)
            _check_ucf101_number(fields, label, classes, labels, where)
            entries.append(Entry((fields[0],), (label,)))
    return OfficialList(entries, {})


def _check_ucf101_number(fields, label, classes, labels, where) -> None:
    number = (fields[1:] or [None])[0]
    if number and (
        number not in classes or labels.find(classes[number], where) != label
    ):
        raise ValueError(
            f'{where}: in classInd.txt number {number} is '
            f'{classes.get(number)}, not the folder '
            f"'{osp.dirname(fields[0])}'"
        )


def _read_hmdb51(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'testTrainMulti_7030_splits')
    ending = f'_test_split{split}.txt'
    paths = sorted(glob(osp.join(escape(folder), f'*{ending}')))
    folders = [osp.basename(path)[: -len(ending)] for path in paths]
    labels.check_all_found(folders, f"'{folder}', files '*{ending}'")
    wanted = dict(train='1', val='2', full='012')[part]
    entries = []
    for path, name in zip(paths, folders):
        label = labels.find(name, f"'{path}'")
        for where, (video, use) in read_fields(path, 2, 'video.avi 1'):
            if use not in ('0', '1', '2'):
                raise ValueError(
                    f'{where}: expected 0, 1 or 2 behind the video, got {use!r}'
                )
            if use in wanted:
                entries.append(Entry((f'{name}/{video}',), (label,)))
    return OfficialList(entries, {})


def _read_activitynet(folder, part, split, labels) -> OfficialList:
    path = osp.join(folder, 'activity_net.v1-3.min.json')
    subsets = dict(
        train=('training',), val=('validation',), full=('training', 'validation')
    )[part]
    entries, remarks = [], Counter()
    for name, segments, duration in _activitynet_videos(path, subsets):
        where = f"'{path}' video {name}"
        numbers = [labels.find(label, where) for label, _, _ in segments]
        if not segments:
            remarks['left out, without annotation'] += 1
        elif part == 'train':
            for label, (_, start, end) in zip(numbers, segments):
                _add_segment(
                    entries,
                    remarks,
                    (f'v_{name}', name),
                    label,
                    start,
                    min(end, duration),
                )
        else:
            if len(set(numbers)) > 1:
                remarks['of several classes, of which the first is taken'] += 1
            entries.append(Entry((f'v_{name}', name), (numbers[0],)))
    return OfficialList(entries, remarks)


def _activitynet_videos(path: str, subsets: Sequence[str]) -> list[tuple]:
    """Name, segments ``(class, begin, end)`` and duration of each video."""
    try:
        with open(path, encoding='utf-8-sig') as file:
            videos = json.load(file)['database']
        return [
            (
                name,
                [_activitynet_segment(x) for x in video['annotations']],
                float(video['duration']),
            )
            for name, video in videos.items()
            if video['subset'] in subsets
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"'{path}': expected {{'database': {{id: {{'subset', 'duration', "
            f"'annotations': [{{'label', 'segment'}}]}}}}}} ({error!r})"
        ) from error


def _activitynet_segment(annotation: dict) -> tuple[str, float, float]:
    start, end = map(float, annotation['segment'])
    return annotation['label'], start, end


def _add_segment(
    entries: list[Entry], remarks: Counter, names, label: int, start: float, end: float
) -> None:
    segment = (round(start, 2), round(end, 2))
    if segment[0] < segment[1]:
        entries.append(Entry(names, (label,), segment))
    else:
        remarks['left out, empty or behind the end'] += 1


def _read_charades(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'Charades')
    name = 'train' if part == 'train' else 'test'
    path = osp.join(folder, f'Charades_v1_{name}.csv')
    entries, remarks = [], Counter()
    for where, row in read_rows(path, ('id', 'actions', 'length')):
        actions = _charades_actions(row['actions'], len(labels.names), where)
        if part == 'train':
            length = read_number(row['length'], 'length', where)
            for label, start, end in actions:
                _add_segment(
                    entries, remarks, (row['id'],), label, start, min(end, length)
                )
        else:
            classes = tuple(sorted({label for label, _, _ in actions}))
            entries.append(Entry((row['id'],), classes))
            remarks['without action, kept as negatives'] += not classes
    return OfficialList(entries, remarks)


def _charades_actions(text: str, num_classes: int, where: str) -> list[tuple]:
    """Read ``'c092 11.90 21.20;c147 0.00 12.60'``."""
    actions = []
    for action in filter(None, text.split(';')):
        found = re.fullmatch(r'c(\d{3}) ([\d.]+) ([\d.]+)', action.strip())
        if not found or int(found[1]) >= num_classes:
            raise ValueError(
                f"{where}: expected actions such as 'c092 11.90 21.20', up to "
                f'c{num_classes - 1:03}, got {action!r}'
            )
        times = [read_number(found[i], 'time', where) for i in (2, 3)]
        actions.append((int(found[1]), *times))
    return actions


def _read_kinetics(folder, part, split, labels) -> OfficialList:
    path = _kinetics_file(folder, part)
    entries = [
        _kinetics_entry(row, labels, where)
        for where, row in read_rows(path, KINETICS_COLUMNS)
    ]
    return OfficialList(entries, {})


def _read_zero_shot(folder, part, split, labels) -> OfficialList:
    """The videos of the classes of the split, not of the others."""
    path = _kinetics_file(folder, part)
    rows = list(
        read_rows(
            path,
            KINETICS_COLUMNS,
            hint='. Some releases of the test part '
            "have no labels; take the 'test.csv' of DeepMind's "
            'kinetics600.tar.gz, or another that has them',
        )
    )
    known = [(where, row) for where, row in rows if row['label'] in labels]
    labels.check_all_found([row['label'] for _, row in known], f"'{path}'")
    entries = [_kinetics_entry(row, labels, where) for where, row in known]
    remarks = {'left out, of other classes': len(rows) - len(known)}
    return OfficialList(entries, remarks)


def _kinetics_file(folder: str, part: str) -> str:
    """``train.csv``, ``kinetics_400_val.csv``, ``validate.csv`` ..."""
    found = sorted(
        name
        for name in listdir(folder)
        if fnmatch(name, f'*{part}*.csv') and not name.startswith('.')
    )
    if not found:
        raise FileNotFoundError(
            f"'{folder}' has no csv of Kinetics, such as '{part}.csv'"
        )
    if len(found) > 1:
        raise ValueError(
            f"'{folder}' has several files '*{part}*.csv', "
            f'expected one: {", ".join(found)}'
        )
    return osp.join(folder, found[0])


def _kinetics_entry(row: dict, labels: ClassLabels, where: str) -> Entry:
    start, end = (
        int(read_number(row[key], key, where)) for key in ('time_start', 'time_end')
    )
    name = row['youtube_id']
    return Entry(
        (f'{name}_{start:06}_{end:06}', name), (labels.find(row['label'], where),)
    )


READERS: dict[str, Callable[..., OfficialList]] = dict(
    ucf101=_read_ucf101,
    hmdb51=_read_hmdb51,
    activitynet=_read_activitynet,
    charades=_read_charades,
    kinetics400=_read_kinetics,
    kinetics600=_read_kinetics,
    kinetics600_zeroshot=_read_zero_shot,
)


def _subfolder(folder: str, name: str) -> str:
    """The folder that an archive unpacks to, if it is there."""
    inner = osp.join(folder, name)
    return inner if osp.isdir(inner) else folder
