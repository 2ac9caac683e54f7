"""The annotation files that the data sets are published with.

Read only; nothing is known here of what is on disk. :mod:`..preparing` makes
the lists for training and testing of them.
"""

from typing import Callable, Optional

from ..catalog import DatasetInfo
from ..class_labels import ClassLabels
from ..class_names import load_class_names
from .activitynet import read_activitynet
from .charades import read_charades
from .entries import Entry, OfficialList
from .hmdb51 import read_hmdb51
from .kinetics import read_class_names, read_kinetics, read_zero_shot
from .ucf101 import read_ucf101

__all__ = ['Entry', 'OfficialList', 'official_class_names', 'read_official']

READERS: dict[str, Callable[..., OfficialList]] = dict(
    ucf101=read_ucf101,
    hmdb51=read_hmdb51,
    activitynet=read_activitynet,
    charades=read_charades,
    kinetics400=read_kinetics,
    kinetics600=read_kinetics,
    kinetics600_zeroshot=read_zero_shot,
)


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
    path, names = read_class_names(folder)
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
