"""HMDB-51: three splits, a file for each class and split."""

import os.path as osp
from glob import escape, glob
from typing import Optional

from ...text_files import read_fields
from ..class_labels import ClassLabels
from .entries import Entry, OfficialList, subfolder


def read_hmdb51(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    folder = subfolder(folder, 'testTrainMulti_7030_splits')
    ending = f'_test_split{split}.txt'
    paths = sorted(glob(osp.join(escape(folder), f'*{ending}')))
    folders = [osp.basename(path)[: -len(ending)] for path in paths]
    labels.check_all_named(folders, f"'{folder}', files '*{ending}'")
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
