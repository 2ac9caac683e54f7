"""Charades: segments to train on; whole videos of several classes to test on."""

import os.path as osp
import re
from collections import Counter
from typing import Optional

from ...text_files import read_number, read_rows
from ..class_labels import ClassLabels
from .entries import Entry, OfficialList, add_segment, subfolder


def read_charades(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    folder = subfolder(folder, 'Charades')
    name = 'train' if part == 'train' else 'test'
    path = osp.join(folder, f'Charades_v1_{name}.csv')
    entries: list[Entry] = []
    remarks: Counter[str] = Counter()
    for where, row in read_rows(path, ('id', 'actions', 'length')):
        actions = _read_actions(row['actions'], len(labels.names), where)
        if part == 'train':
            length = read_number(row['length'], 'length', where)
            for label, start, end in actions:
                add_segment(
                    entries, remarks, (row['id'],), label, start, min(end, length)
                )
        else:
            classes = tuple(sorted({label for label, _, _ in actions}))
            entries.append(Entry((row['id'],), classes))
            remarks['without action, kept as negatives'] += not classes
    return OfficialList(entries, remarks)


def _read_actions(text: str, num_classes: int, where: str) -> list[tuple]:
    """Read ``'c092 11.90 21.20;c147 0.00 12.60'``."""
    actions = []
    for action in filter(None, text.split(';')):
        match = re.fullmatch(r'c(\d{3}) ([\d.]+) ([\d.]+)', action.strip())
        if not match or int(match[1]) >= num_classes:
            raise ValueError(
                f"{where}: expected actions such as 'c092 11.90 21.20', up to "
                f'c{num_classes - 1:03}, got {action!r}'
            )
        times = [read_number(match[i], 'time', where) for i in (2, 3)]
        actions.append((int(match[1]), *times))
    return actions
