"""UCF-101: its three splits, and the folders that name the classes."""

import os.path as osp
from collections.abc import Sequence
from typing import Optional

from ...text_files import read_fields
from ..class_labels import ClassLabels
from .entries import Entry, OfficialList, subfolder


def read_ucf101(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    folder = subfolder(folder, 'ucfTrainTestlist')
    path = osp.join(folder, 'classInd.txt')
    classes = {}
    for _, (number, name) in read_fields(path, 2, '1 ApplyEyeMakeup'):
        classes[number] = name
    labels.check_all_named(list(classes.values()), f"'{path}'")
    lists = {'train': ('train',), 'val': ('test',), 'full': ('train', 'test')}
    entries = []
    for kind in lists[part]:
        path = osp.join(folder, f'{kind}list{split:02}.txt')
        count, example = (2, ' 1') if kind == 'train' else (1, '')
        for where, fields in read_fields(
            path, count, f'ApplyEyeMakeup/v_x_g01_c01.avi{example}'
        ):
            label = labels.find(osp.dirname(fields[0]), where)
            _check_number(fields, label, classes, labels, where)
            entries.append(Entry((fields[0],), (label,)))
    return OfficialList(entries, {})


def _check_number(
    fields: Sequence[str],
    label: int,
    classes: dict[str, str],
    labels: ClassLabels,
    where: str,
) -> None:
    """Refuse a line whose number is of another class than its folder."""
    number = fields[1] if len(fields) > 1 else None
    if number and (
        number not in classes or labels.find(classes[number], where) != label
    ):
        raise ValueError(
            f'{where}: in classInd.txt number {number} is '
            f'{classes.get(number)}, not the folder '
            f"'{osp.dirname(fields[0])}'"
        )
