"""What a data set of MMAction2 says of one of its videos."""

import os
import os.path as osp
import re
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from mmengine.dataset import BaseDataset

from ..files import source_of
from ..shards import exists

_TO_RESOLVE = re.compile(r'(^|/)\.{0,2}(/|$)')  # an empty part, . or ..


def entry_of(info: dict, folders: Iterable[str]) -> list[Any]:
    """A video as in a line of an annotation file.

    Args:
        info (dict): What a data set of MMAction2 says of it.
        folders (Iterable[str]): Those of its ``data_prefix``.

    Returns:
        list: Path below the folder of the data set; begin and end in seconds,
        or offset and number of frames, where there are any; the labels.
    """
    path = source_of(info)
    for folder in filter(None, folders):
        prefix = osp.join(folder, '')
        if path.startswith(prefix):
            path = _below(path, prefix)
    numbers = [info[key] for key in ('offset', 'total_frames') if key in info]
    label = info.get('label', -1)
    if isinstance(label, torch.Tensor):  # one-hot
        label = label.nonzero().flatten().tolist()
    labels = label if isinstance(label, list) else [label]
    return [path, *info.get('segment', ()), *numbers, *labels]


def _below(path: str, folder: str) -> str:
    """``osp.relpath``, which takes longer than all else that is said of a video."""
    rest = path[len(folder) :]
    if os.sep != '/' or _TO_RESOLVE.search(rest):
        return osp.relpath(path, folder)
    return rest


def with_video_extension(path: str) -> str:
    """A video file as it is called; MMAction2's lists may leave out ``.mp4``."""
    return path if osp.splitext(path)[1] or exists(path) else f'{path}.mp4'


def without_label(dataset) -> list[dict]:
    """What a data set of MMAction2 knows of its videos without label.

    Their label is -1, or zeros where there may be several.
    """
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [info for info in infos if not has_label(info)]


def has_label(info: dict) -> bool:
    """Whether a data set of MMAction2 knows a label of a video."""
    label = info.get('label', -1)
    if isinstance(label, int):
        return label >= 0
    if torch.is_tensor(label):  # one-hot
        return bool(label.any())
    labels = torch.as_tensor(label)
    return bool(labels.numel() and labels.ge(0).all())


def annotated(dataset) -> Iterator[BaseDataset]:
    """The data sets with an annotation file, inside of any wrappers.

    Args:
        dataset (Dataset): One of them, or what repeats, joins, draws from
            or cuts others.
    """
    # Its own attributes: a cut one passes on whatever it does not have.
    inner = getattr(dataset, '__dict__', {})
    for name in ('dataset', '_dataset'):
        if name in inner:
            yield from annotated(inner[name])
            return
    if 'datasets' in inner:
        for one in inner['datasets']:
            yield from annotated(one)
    elif isinstance(dataset, BaseDataset):
        yield dataset


def innermost(dataset):
    """The one data set with an annotation file, inside of wrappers.

    Where there are several or none, ``dataset`` itself.
    """
    parts = list(annotated(dataset))
    return parts[0] if len(parts) == 1 else dataset
