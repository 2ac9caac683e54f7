"""Kinetics-400 and Kinetics-600: a csv for each part."""

import os.path as osp
from fnmatch import fnmatch
from os import listdir
from typing import Optional

from ...text_files import read_number, read_rows
from ..class_labels import ClassLabels
from .entries import Entry, OfficialList

COLUMNS = ('label', 'youtube_id', 'time_start', 'time_end')


def read_kinetics(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    path = find_file(folder, part)
    entries = [_entry_of(row, labels, where) for where, row in read_rows(path, COLUMNS)]
    return OfficialList(entries, {})


def read_zero_shot(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    """The videos of the classes of the split, not of the others."""
    path = find_file(folder, part)
    rows = list(
        read_rows(
            path,
            COLUMNS,
            hint='. Some releases of the test part '
            "have no labels; take the 'test.csv' of DeepMind's "
            'kinetics600.tar.gz, or another that has them',
        )
    )
    known = [(where, row) for where, row in rows if row['label'] in labels]
    labels.check_all_named([row['label'] for _, row in known], f"'{path}'")
    entries = [_entry_of(row, labels, where) for where, row in known]
    remarks = {'left out, of other classes': len(rows) - len(known)}
    return OfficialList(entries, remarks)


def find_file(folder: str, part: str) -> str:
    """``train.csv``, ``kinetics_400_val.csv``, ``validate.csv`` ..."""
    names = sorted(
        name
        for name in listdir(folder)
        if fnmatch(name, f'*{part}*.csv') and not name.startswith('.')
    )
    if not names:
        raise FileNotFoundError(
            f"'{folder}' has no csv of Kinetics, such as '{part}.csv'"
        )
    if len(names) > 1:
        raise ValueError(
            f"'{folder}' has several files '*{part}*.csv', "
            f'expected one: {", ".join(names)}'
        )
    return osp.join(folder, names[0])


def _entry_of(row: dict, labels: ClassLabels, where: str) -> Entry:
    start, end = (
        int(read_number(row[key], key, where)) for key in ('time_start', 'time_end')
    )
    name = row['youtube_id']
    return Entry(
        (f'{name}_{start:06}_{end:06}', name), (labels.find(row['label'], where),)
    )


def read_class_names(folder: str) -> tuple[str, list[str]]:
    """The training file, and its classes in their order of the alphabet."""
    path = find_file(folder, 'train')
    return path, sorted({row['label'] for _, row in read_rows(path, COLUMNS)})
