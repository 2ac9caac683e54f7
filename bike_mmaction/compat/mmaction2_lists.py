"""Remedies for MMAction2 and MMEngine: lists of videos, and long ones."""

import os.path as osp
import pickle
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Optional

from ..errors import ListError, TextError
from ..text_files import read_lines, shorten
from .registry import remedy, replace, replaced_meanwhile

TOLD = 10  # of the entries that contradict each other


@remedy('mmaction2', '<=1.2.0', 'marks, blank lines or tabs spoil a list, unnamed')
def read_lists_as_text() -> None:
    """A byte order mark becomes part of the first path, a blank line an entry.

    A wrong line gives ``too many values to unpack`` without its number, a
    video with two labels is trained on both. Of several labels, a line of
    ``RawframeDataset`` without any becomes the last class. This is about
    lists of videos and of frames on disk.
    """
    from mmaction.datasets import RawframeDataset, VideoDataset

    def of_videos(original):
        def load_data_list(self):
            if not osp.isfile(self.ann_file):
                return original(self)
            entries = _read_videos(self)
            form = _form_of_videos(self)
            alone = not self.multi_class
            check_entries(self.ann_file, entries, 'filename', alone, form)
            return entries

        return load_data_list

    def of_frames(original):
        def load_data_list(self):
            if not osp.isfile(self.ann_file):
                return original(self)
            entries = _read_frames(self)
            alone = not (self.multi_class or self.with_offset)
            check_entries(
                self.ann_file, entries, 'frame_dir', alone, _form_of_frames(self)
            )
            return entries

        return load_data_list

    replace(VideoDataset, 'load_data_list', of_videos)
    replace(RawframeDataset, 'load_data_list', of_frames)


def _read_videos(dataset: Any) -> list[dict]:
    """Lines ``path label...``; without label it is -1, or []."""
    delimiter = None if dataset.delimiter == ' ' else dataset.delimiter
    folder = dataset.data_prefix['video']
    entries = []
    for number, line in read_lines(dataset.ann_file):
        path, *fields = line.split(delimiter)
        label = _label(dataset, fields)
        if label is None or not path:
            raise _unfit(dataset, number, line, _form_of_videos(dataset))
        filename = path if folder is None else osp.join(folder, path)
        entries.append(dict(filename=filename, label=label))
    return entries


def _read_frames(dataset: Any) -> list[dict]:
    """Lines ``folder [offset] total_frames label...``; as :func:`_read_videos`."""
    keys = _counts(dataset)
    folder = dataset.data_prefix['img']
    entries = []
    for number, line in read_lines(dataset.ann_file):
        path, *fields = line.split()
        counts = _whole_numbers(fields[: len(keys)])
        label = _label(dataset, fields[len(keys) :])
        if label is None or counts is None or len(counts) < len(keys):
            raise _unfit(dataset, number, line, _form_of_frames(dataset))
        frame_dir = path if folder is None else osp.join(folder, path)
        entries.append(
            dict(frame_dir=frame_dir, **dict(zip(keys, counts)), label=label)
        )
    return entries


def _label(dataset: Any, fields: Sequence[str]) -> Any:
    """The label, or those of a data set that may have several; None if unfit."""
    labels = _whole_numbers(fields)
    if dataset.multi_class:
        most = dataset.num_classes
        fit = labels is not None and all(0 <= label < most for label in labels)
        return labels if fit else None
    if labels is None or len(labels) > 1:
        return None
    return labels[0] if labels else -1


def _whole_numbers(fields: Sequence[str]) -> Optional[list[int]]:
    """Numbers as people write them; None if one is none."""
    if all(f.isdigit() and f.isascii() and len(f) < 19 for f in fields):
        return [int(f) for f in fields]
    if all(f.removeprefix('-').isdecimal() and f.isascii() for f in fields):
        return [int(f) for f in fields] if max(map(len, fields)) < 19 else None
    return None


def _counts(dataset: Any) -> list[str]:
    """What stands between the folder of frames and the label."""
    return ['offset'] * dataset.with_offset + ['total_frames']


def _form_of_videos(dataset: Any) -> str:
    return 'path/video.mp4 label'.replace(' ', dataset.delimiter)


def _form_of_frames(dataset: Any) -> str:
    return f'frame/folder {" ".join(_counts(dataset))} label'


def _unfit(dataset: Any, number: int, line: str, form: str) -> ListError:
    several = ''
    if dataset.multi_class:
        several = f', or several labels from 0 to {dataset.num_classes - 1}'
    return ListError(
        f"'{dataset.ann_file}' line {number}: {type(dataset).__name__} expects "
        f"lines such as '{form}'{several}; got {shorten(line)}"
    )


def check_entries(
    path: str, entries: Sequence[dict], key: str, alone: bool, form: str
) -> None:
    """Refuse videos with two labels, and count those that are listed again.

    Args:
        path (str): The list.
        entries (Sequence[dict]): What was read of its lines.
        key (str): What tells them apart, with offset or segment if any.
        alone (bool): Whether a video can have one label only.
        form (str): A line, for the message.

    Raises:
        ListError: if there are none, or a video has two labels.
    """
    import numpy as np

    if not entries:
        raise ListError(f"'{path}' lists no videos, in lines such as '{form}'")
    # Numbers in place of texts: of a million videos these take 8 MB.
    hashes = np.fromiter((hash(e[key]) for e in entries), np.int64, len(entries))
    order = np.argsort(hashes, kind='stable')
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    suspects = sorted({*order[same].tolist(), *order[same + 1].tolist()})
    if not suspects:
        return
    numbers = [number for number, _ in read_lines(path)]
    first: dict[Any, int] = {}
    conflicts, repeated = [], []
    for i in suspects:
        entry = entries[i]
        names = (key,) if alone else tuple(k for k in entry if k != 'label')
        other = first.setdefault(tuple(entry[name] for name in names), i)
        if other == i:
            continue
        if entries[other]['label'] == entry['label']:
            repeated.append(numbers[i])
        elif alone:
            conflicts.append(
                f"'{entry[key]}' in line {numbers[other]} with label "
                f'{entries[other]["label"]}, in line {numbers[i]} with {entry["label"]}'
            )
    _tell(path, conflicts, repeated)


def _tell(path: str, conflicts: Sequence[str], repeated: Sequence[int]) -> None:
    if conflicts:
        more = f'; and {len(conflicts) - TOLD} more' * (len(conflicts) > TOLD)
        raise ListError(
            f"'{path}' has other labels for the same video, {len(conflicts)} times: "
            f'{"; ".join(conflicts[:TOLD])}{more}. Keep the right lines; of videos '
            'with several labels it is one line, for multi_class=True'
        )
    if repeated:
        warnings.warn(
            f"'{path}' lists videos again that it has before, with the same label: "
            f'{len(repeated)} lines, the first is line {repeated[0]}. They count '
            'as often as they are listed'
        )


def names_are_text() -> AbstractContextManager:
    """While this is entered, ``mmengine.list_from_file`` reads files as here.

    MMAction2's tools read the names of classes by it.
    """
    import mmengine.fileio.parse

    modules = (mmengine.fileio.parse, mmengine.fileio, mmengine)

    def as_text(original):
        def list_from_file(filename, *args, **kwargs):
            if args or kwargs or not osp.isfile(filename):
                return original(filename, *args, **kwargs)
            return [line for _, line in read_lines(str(filename), blanks=True)]

        return list_from_file

    return replaced_meanwhile(modules, 'list_from_file', as_text)


@remedy('mmaction2', '<=1.2.0', 'a list with a wrong line is not named in the error')
def name_annotation_file_in_errors() -> None:
    """``invalid literal for int()``, of lists that are read otherwise than above.

    Data sets of another form keep their errors.
    """
    from mmaction.datasets import BaseActionDataset, RawframeDataset, VideoDataset

    def naming(original):
        def full_init(self):
            if not isinstance(self, (RawframeDataset, VideoDataset)):
                original(self)
                return
            try:
                original(self)
            except TextError:
                raise
            except (IndexError, TypeError, ValueError) as error:
                raise ValueError(
                    f"cannot use the annotation file '{self.ann_file}' "
                    f'({type(error).__name__}: {error}). {type(self).__name__} '
                    "expects lines such as 'path/video.mp4 label' or "
                    "'frame/folder total_frames label', and at least one"
                ) from error

        return full_init

    replace(BaseActionDataset, 'full_init', naming)


@remedy('mmengine', '<=0.10.7', 'a long list takes thrice its memory when it is loaded')
def pack_entries_one_by_one() -> None:
    """It holds all entries, each as bytes, and all bytes at the same time."""
    import numpy as np
    from mmengine.dataset import BaseDataset

    def piecemeal(original):
        def serialize_data(self):
            if not self.data_list:
                return original(self)
            packed, ends = bytearray(), np.empty(len(self.data_list), np.int64)
            for i, entry in enumerate(self.data_list):
                packed += pickle.dumps(entry, protocol=4)
                ends[i] = len(packed)
                self.data_list[i] = None  # its memory is free for the next
            self.data_list.clear()
            return np.frombuffer(packed, np.uint8), ends

        return serialize_data

    replace(BaseDataset, '_serialize_data', piecemeal)
