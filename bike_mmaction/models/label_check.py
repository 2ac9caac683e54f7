"""Labels that do not fit the classes of a model."""

from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample

from ..files import source_of


def check_label_sizes(
    data_samples: Sequence[ActionDataSample], num_classes: int
) -> list[ActionDataSample]:
    """Refuse labels of another number of classes, without a look at their values.

    Args:
        data_samples (Sequence[ActionDataSample]): As of :func:`check_labels`.
        num_classes (int): K.

    Returns:
        list[ActionDataSample]: Those with one label.

    Raises:
        ValueError: naming the first video whose labels are not one, nor one-hot
            of K classes.
    """
    labelled = [sample for sample in data_samples if 'gt_label' in sample]
    for sample in labelled:
        # Of another length they are one-hot, for several labels.
        if sample.gt_label.numel() not in (1, num_classes):
            raise ValueError(
                f"the labels of '{source_of(sample)}' are of "
                f'{sample.gt_label.numel()} classes, but the model knows '
                f'{num_classes}: set num_classes of the data set'
            )
    return [sample for sample in labelled if sample.gt_label.numel() == 1]


def check_labels(
    data_samples: Sequence[ActionDataSample], num_classes: int, lowest: int = 0
) -> None:
    """Refuse labels of other classes than those of the model.

    Args:
        data_samples (Sequence[ActionDataSample]): Those without ``gt_label``
            are passed over.
        num_classes (int): K.
        lowest (int): -1 to accept MMAction2's label of unlabelled videos.
            Defaults to 0.

    Raises:
        ValueError: naming the first video whose label is not in [lowest, K),
            or whose labels are not one, nor one-hot of K classes.
    """
    check_label_values(
        check_label_sizes(data_samples, num_classes), num_classes, lowest
    )


def check_label_values(
    single: Sequence[ActionDataSample], num_classes: int, lowest: int = 0
) -> None:
    """As :func:`check_labels`, of those that :func:`check_label_sizes` gives.

    The host waits for a GPU that has the labels.
    """
    if not single:
        return
    labels = torch.cat([sample.gt_label for sample in single]).tolist()
    for sample, label in zip(single, labels):
        if lowest <= label < num_classes:
            continue
        problem = 'means that it has none' if label == -1 else 'is out of range'
        raise ValueError(
            f"label {label} of '{source_of(sample)}' {problem}: the model knows "
            f'{num_classes} classes, so labels are 0 to {num_classes - 1}'
        )
