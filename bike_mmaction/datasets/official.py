"""The annotation files that the data sets are published with.

Read only; nothing is known here of what is on disk. See
``tools/data/prepare.py``, which makes the lists for training and testing.
"""
import csv
import json
import math
import os.path as osp
import re
from collections import Counter
from fnmatch import fnmatch
from glob import escape, glob
from os import listdir
from typing import (Callable, Dict, Iterator, List, NamedTuple, Optional,
                    Sequence, Tuple)

from .catalog import DatasetInfo
from .class_labels import ClassLabels
from .class_names import load_class_names

KINETICS_COLUMNS = ('label', 'youtube_id', 'time_start', 'time_end')


class Entry(NamedTuple):
    """A video, or a segment of one.

    Attributes:
        names (tuple[str]): What its file may be called: path below the
            folder of videos, or name alone, with extension or without.
        labels (tuple[int]): Numbers of its classes.
        segment (tuple[float, float], optional): Begin and end in seconds.
    """
    names: Tuple[str, ...]
    labels: Tuple[int, ...]
    segment: Optional[Tuple[float, float]] = None


class OfficialList(NamedTuple):
    """What an official file lists.

    Attributes:
        entries (list[Entry]): In the order of the file.
        remarks (dict[str, int]): What was left out or changed, how often.
    """
    entries: List[Entry]
    remarks: Dict[str, int]


def official_class_names(info: DatasetInfo,
                         folder: str,
                         split: Optional[int] = None) -> List[str]:
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
    names = sorted({row['label'] for _, row in _rows(path, KINETICS_COLUMNS)})
    if len(names) != info.num_classes:
        raise ValueError(f"'{path}' names {len(names)} classes, expected "
                         f'{info.num_classes} of {info.name}')
    return names


def read_official(info: DatasetInfo, folder: str, part: str,
                  split: Optional[int], labels: ClassLabels) -> OfficialList:
    """Read the official annotation of a part of a data set.

    Args:
        info (DatasetInfo): The data set.
        folder (str): Folder of the official files.
        part (str): 'train' or 'val'.
        split (int, optional): Number of the official split.
        labels (ClassLabels): Its classes.

    Raises:
        OSError: if a file is absent or cannot be read.
        ValueError: if a line is malformed or a class unknown; names file
            and line.
    """
    return READERS[info.name](folder, part, split, labels)


def _read_ucf101(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'ucfTrainTestlist')
    path = osp.join(folder, 'classInd.txt')
    classes = {}
    for _, (number, name) in _fields(path, 2, '1 ApplyEyeMakeup'):
        classes[number] = name
    labels.check_all_found(list(classes.values()), f"'{path}'")
    name = 'trainlist' if part == 'train' else 'testlist'
    path = osp.join(folder, f'{name}{split:02}.txt')
    count, example = (2, ' 1') if part == 'train' else (1, '')
    entries = []
    for where, fields in _fields(path, count,
                                 f'ApplyEyeMakeup/v_x_g01_c01.avi{example}'):
        label = labels.find(osp.dirname(fields[0]), where)
        number = (fields[1:] or [None])[0]
        if number and (number not in classes
                       or labels.find(classes[number], where) != label):
            raise ValueError(f'{where}: in classInd.txt number {number} is '
                             f'{classes.get(number)}, not the folder '
                             f"'{osp.dirname(fields[0])}'")
        entries.append(Entry((fields[0], ), (label, )))
    return OfficialList(entries, {})


def _read_hmdb51(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'testTrainMulti_7030_splits')
    ending = f'_test_split{split}.txt'
    paths = sorted(glob(osp.join(escape(folder), f'*{ending}')))
    folders = [osp.basename(path)[:-len(ending)] for path in paths]
    labels.check_all_found(folders, f"'{folder}', files '*{ending}'")
    wanted = '1' if part == 'train' else '2'
    entries = []
    for path, name in zip(paths, folders):
        label = labels.find(name, f"'{path}'")
        for where, (video, use) in _fields(path, 2, 'video.avi 1'):
            if use not in ('0', '1', '2'):
                raise ValueError(f'{where}: expected 0, 1 or 2 behind the '
                                 f'video, got {use!r}')
            if use == wanted:
                entries.append(Entry((f'{name}/{video}', ), (label, )))
    return OfficialList(entries, {})


def _read_activitynet(folder, part, split, labels) -> OfficialList:
    path = osp.join(folder, 'activity_net.v1-3.min.json')
    try:
        with open(path, encoding='utf-8') as file:
            videos = json.load(file)['database']
        subset = 'training' if part == 'train' else 'validation'
        found = {
            name: [segment['label'] for segment in video['annotations']]
            for name, video in videos.items() if video['subset'] == subset
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"'{path}': expected {{'database': {{id: {{'subset', "
            f"'annotations': [{{'label'}}]}}}}}} ({error!r})") from error
    entries, remarks = [], Counter()
    for name, classes in found.items():
        if not classes:
            remarks['left out, without annotation'] += 1
            continue
        numbers = [labels.find(c, f"'{path}' video {name}") for c in classes]
        if len(set(numbers)) > 1:
            remarks['of several classes, of which the first is taken'] += 1
        entries.append(Entry((f'v_{name}', name), (numbers[0], )))
    return OfficialList(entries, remarks)


def _read_charades(folder, part, split, labels) -> OfficialList:
    folder = _subfolder(folder, 'Charades')
    name = 'train' if part == 'train' else 'test'
    path = osp.join(folder, f'Charades_v1_{name}.csv')
    entries, remarks = [], Counter()
    for where, row in _rows(path, ('id', 'actions', 'length')):
        actions = _charades_actions(row['actions'], len(labels.names), where)
        if part == 'train':
            length = _number(row['length'], 'length', where)
            for label, start, end in actions:
                segment = (round(start, 2), round(min(end, length), 2))
                if segment[0] >= segment[1]:
                    remarks['left out, empty or behind the end'] += 1
                    continue
                entries.append(Entry((row['id'], ), (label, ), segment))
        elif actions:
            classes = tuple(sorted({label for label, _, _ in actions}))
            entries.append(Entry((row['id'], ), classes))
        else:
            remarks['left out, without action'] += 1
    return OfficialList(entries, remarks)


def _charades_actions(text: str, num_classes: int, where: str) -> List[tuple]:
    """Read ``'c092 11.90 21.20;c147 0.00 12.60'``."""
    actions = []
    for action in filter(None, text.split(';')):
        found = re.fullmatch(r'c(\d{3}) ([\d.]+) ([\d.]+)', action.strip())
        if not found or int(found[1]) >= num_classes:
            raise ValueError(
                f"{where}: expected actions such as 'c092 11.90 21.20', up to "
                f'c{num_classes - 1:03}, got {action!r}')
        times = [_number(found[i], 'time', where) for i in (2, 3)]
        actions.append((int(found[1]), *times))
    return actions


def _read_kinetics(folder, part, split, labels) -> OfficialList:
    path = _kinetics_file(folder, part)
    entries = [
        _kinetics_entry(row, labels, where)
        for where, row in _rows(path, KINETICS_COLUMNS)
    ]
    return OfficialList(entries, {})


def _read_zero_shot(folder, part, split, labels) -> OfficialList:
    """The videos of the classes of the split, not of the others."""
    path = _kinetics_file(folder, part)
    rows = list(_rows(path, KINETICS_COLUMNS))
    known = [(where, row) for where, row in rows if row['label'] in labels]
    labels.check_all_found([row['label'] for _, row in known], f"'{path}'")
    entries = [_kinetics_entry(row, labels, where) for where, row in known]
    remarks = {'left out, of other classes': len(rows) - len(known)}
    return OfficialList(entries, remarks)


def _kinetics_file(folder: str, part: str) -> str:
    """``train.csv``, ``kinetics_400_val.csv``, ``validate.csv`` ..."""
    found = sorted(
        name for name in listdir(folder) if fnmatch(name, f'*{part}*.csv'))
    if not found:
        raise FileNotFoundError(f"'{folder}' has no csv of Kinetics, such as "
                                f"'{part}.csv'")
    if len(found) > 1:
        raise ValueError(f"'{folder}' has several files '*{part}*.csv', "
                         f"expected one: {', '.join(found)}")
    return osp.join(folder, found[0])


def _kinetics_entry(row: dict, labels: ClassLabels, where: str) -> Entry:
    start, end = (
        int(_number(row[key], key, where))
        for key in ('time_start', 'time_end'))
    name = row['youtube_id']
    return Entry((f'{name}_{start:06}_{end:06}', name),
                 (labels.find(row['label'], where), ))


READERS: Dict[str, Callable[..., OfficialList]] = dict(
    ucf101=_read_ucf101,
    hmdb51=_read_hmdb51,
    activitynet=_read_activitynet,
    charades=_read_charades,
    kinetics400=_read_kinetics,
    kinetics600=_read_kinetics,
    kinetics600_zeroshot=_read_zero_shot)


def _subfolder(folder: str, name: str) -> str:
    """The folder that an archive unpacks to, if it is there."""
    inner = osp.join(folder, name)
    return inner if osp.isdir(inner) else folder


def _fields(path: str, count: int, example: str) -> Iterator[tuple]:
    """Place and fields of each line of a text file."""
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if fields and len(fields) != count:
                raise ValueError(f"'{path}' line {number}: expected a line "
                                 f"such as '{example}', got {line.strip()!r}")
            if fields:
                yield f"'{path}' line {number}", fields


def _rows(path: str, columns: Sequence[str]) -> Iterator[tuple]:
    """Place and row of each line of a csv with a header."""
    with open(
            path, encoding='utf-8-sig', errors='replace', newline='') as file:
        reader = csv.DictReader(file)
        absent = [c for c in columns if c not in (reader.fieldnames or ())]
        if absent:
            raise ValueError(f"'{path}' line 1: the header has no column "
                             f"{', '.join(absent)}; expected a csv with "
                             f"{','.join(columns)}")
        for row in reader:
            where = f"'{path}' line {reader.line_num}"
            short = [c for c in columns if row[c] is None]
            if short:
                raise ValueError(f'{where}: no {short[0]}, the line ends '
                                 'before')
            yield where, row


def _number(text: str, name: str, where: str) -> float:
    try:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return number
    except ValueError:
        raise ValueError(f'{where}: {name}={text!r} is no number') from None
