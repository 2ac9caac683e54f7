"""Whether the labels of a whole data set fit a model, before it is used."""

import numpy as np
from mmengine.dataset import BaseDataset

from ..files import source_of
from .entries import annotated, without_label


def check_labels(
    dataset,
    num_classes: int,
    required: bool = True,
    negatives: bool = True,
    hint: str = '',
) -> None:
    """Refuse labels that a model of this many classes cannot use.

    Nothing is decoded: only what the annotation files say is read.

    Args:
        dataset (Dataset): May be wrapped, see :func:`.annotated`.
        num_classes (int): K, that of the model.
        required (bool): Whether each video must have a label. Defaults to
            True.
        negatives (bool): Whether a video that may have several labels may
            also have none, as negative of every class. Defaults to True.
        hint (str): What else can be done about videos without label.

    Raises:
        ValueError: naming the list, its entry, the label and K.
    """
    for part in annotated(dataset):
        if getattr(part, 'multi_class', False):
            _check_width(part, num_classes)
            absent = without_label(part)
            if negatives and len(absent) < len(part):
                continue
        else:
            absent, outside = _misfits(part, num_classes)
            _refuse_outside(part, outside, num_classes)
        if absent and required:
            raise ValueError(
                f"{len(absent)} of {len(part)} videos in '{part.ann_file}' "
                f"have no label, such as '{source_of(absent[0])}': add the "
                f'labels or remove these lines{hint}'
            )


def _refuse_outside(
    dataset: BaseDataset, outside: list[tuple[int, dict]], num_classes: int
) -> None:
    """Refuse labels that are out of range, the first of them by name."""
    if not outside:
        return
    number, info = outside[0]
    raise ValueError(
        f"'{dataset.ann_file}': label {info['label']} of "
        f"'{source_of(info)}' (entry {number + 1}) is out of range: "
        f'the model knows {num_classes} classes, so labels are 0 to '
        f'{num_classes - 1}; {len(outside)} of {len(dataset)} videos '
        'have such a label'
    )


def _misfits(dataset: BaseDataset, num_classes: int) -> tuple[list, list]:
    """Entries without label, and with one that is out of range."""
    absent, outside = [], []
    for i in range(len(dataset)):
        # Not that of a subclass, which may prepare more than it must here.
        info = BaseDataset.get_data_info(dataset, i)
        label = info.get('label', -1)
        if not isinstance(label, (int, np.integer)):
            continue  # of a kind that its own head understands
        if label == -1:
            absent.append(info)
        elif not 0 <= label < num_classes:
            outside.append((i, info))
    return absent, outside


def _check_width(dataset: BaseDataset, num_classes: int) -> None:
    """Labels of several classes are a vector of them, in range already."""
    if dataset.num_classes != num_classes:
        info = BaseDataset.get_data_info(dataset, 0)
        raise ValueError(
            f"'{dataset.ann_file}': the labels of '{source_of(info)}' are of "
            f'{dataset.num_classes} classes, but the model knows '
            f'{num_classes}: set num_classes of the data set'
        )
