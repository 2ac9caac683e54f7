"""Reading the labels of clips in the forms that people have them in."""

import os.path as osp
from collections.abc import Sequence
from typing import Callable

from ..tables import READABLE, kind_of
from .clips import PARTS, Clip, FrameRange, LeftOut, Reading, ReadingOptions
from .cvat import read_cvat
from .folders import class_folders, read_class_folder, read_folder
from .label_studio import read_label_studio
from .lists import read_clip_list
from .table import read_clip_table

__all__ = [
    'PARTS',
    'Clip',
    'FrameRange',
    'LeftOut',
    'Reading',
    'ReadingOptions',
    'check_sources',
    'read_sources',
]

READERS: dict[str, Callable[[str, ReadingOptions], Reading]] = {
    **dict.fromkeys(READABLE, read_clip_table),
    '.json': read_label_studio,
    '.xml': read_cvat,
    '.zip': read_cvat,
    '.txt': read_clip_list,
}


def check_sources(sources: Sequence[str]) -> None:
    """Refuse what does not exist, or is of no kind that can be read.

    Raises:
        OSError, ValueError: naming it.
    """
    for source in sources:
        if not osp.exists(source):
            raise FileNotFoundError(f"no such file or folder: '{source}'")
        if not osp.isdir(source) and kind_of(source) not in READERS:
            raise ValueError(
                f"'{source}' is no source of clips; expected a folder with a folder "
                f'for each class, or a file of {", ".join(READERS)}'
            )


def read_sources(sources: Sequence[str], options: ReadingOptions) -> list[Reading]:
    """Read all sources.

    Args:
        sources (Sequence[str]): Folders of folders, or several folders that
            are classes; tables (.csv, .tsv, .parquet), exports of Label
            Studio (.json) and CVAT (.xml, .zip), lists of MMAction2 (.txt).
        options (ReadingOptions): How.

    Raises:
        OSError: if one cannot be read.
        ValueError: if one is not what it should be; names the place.
    """
    check_sources(sources)
    classes = class_folders([source for source in sources if osp.isdir(source)])
    readings = []
    for source in sources:
        if not osp.isdir(source):
            reader = READERS[kind_of(source)]
        elif source in classes:
            reader = read_class_folder
        else:
            reader = read_folder
        readings.append(reader(source, options))
    return readings
