"""Fusion of two branches' scores after the test; BIKE Eq. 4.

``tools/test.py --dump`` writes what the branches say of every video. From
that, S = λ · V + (1 - λ) · A can be had for any λ without the model. The
paper fixes λ at 0.7; here it can be chosen too, on videos held out for that.
"""
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import mmengine
import numpy as np
import torch
from mmaction.evaluation import (mean_average_precision, mean_class_accuracy,
                                 top_k_accuracy)

from ..datasets.attribute_file import key_parts

PUBLISHED = 0.7  # λ of section 3.1
METRICS = ('top1', 'mAP')


class Dump(NamedTuple):
    """A file of ``tools/test.py --dump``, a dict for each video."""
    path: str
    samples: List[dict]


class Scores(NamedTuple):
    """What the branches say of N videos.

    Attributes:
        video (np.ndarray): V [N, K].
        attributes (np.ndarray): A [N, K]; V where there are no attributes,
            so that any λ gives V.
        known (np.ndarray): Bool [N], which videos have attributes.
        labels (np.ndarray): Class numbers [N], or bool [N, K] (multi-label).
        names (np.ndarray, optional): Paths [N] without extension.
        notes (tuple[str]): What a reader of the results should know.
    """
    video: np.ndarray
    attributes: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    names: Optional[np.ndarray]
    notes: Tuple[str, ...] = ()

    def take(self, index: np.ndarray) -> 'Scores':
        """Some of the videos, by number or bool [N]."""
        names = None if self.names is None else self.names[index]
        return Scores(*(part[index] for part in self[:4]), names, self.notes)


def read_dump(path: str) -> Dump:
    """Read a dump; as with any pickle, only files that one trusts.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not a pickled list of dicts, or is empty.
    """
    try:
        samples = mmengine.load(path, file_format='pkl')
    except OSError:
        raise
    except Exception as error:  # what broken pickles raise has no limits
        raise ValueError(f"'{path}' is not a pickle: {error}") from error
    if not isinstance(samples, list) or not all(
            isinstance(sample, dict) for sample in samples):
        raise ValueError(f"'{path}' is not a list of dicts, as "
                         'tools/test.py --dump writes')
    if not samples:
        raise ValueError(f"'{path}' is an empty list")
    return Dump(path, samples)


def join(first: Dump, second: Optional[Dump] = None) -> Scores:
    """Bring the scores of both branches together, video by video.

    Args:
        first (Dump): With ``video_score`` [K] and, without ``second``,
            ``attributes_score`` [K].
        second (Dump, optional): With ``attributes_score`` of the same
            videos, in any order if both dumps name them. With two dumps,
            ``pred_score`` stands in for a branch that was tested alone.

    Returns:
        Scores: In the order of ``first``.

    Raises:
        ValueError: naming file and key, if a score is missing or not finite,
            or videos, numbers of classes or labels do not agree.
    """
    notes: List[str] = []
    alone = second is not None
    source = second or first
    video = _column(first, 'video', alone, notes)
    attributes = _column(source, 'attributes', alone, notes)
    if attributes.shape[1] != video.shape[1]:
        raise ValueError(f"'{first.path}' has video scores of "
                         f"{video.shape[1]} classes, '{source.path}' has "
                         f'attribute scores of {attributes.shape[1]}')
    labels = _labels(first, video.shape[1])
    if second is not None:
        order = _match(first, second, notes)
        attributes = attributes[order]
        _check_labels(first, second, labels,
                      _labels(second, video.shape[1])[order])
    known = ~np.isnan(attributes).any(axis=1)
    if not known.all():
        notes.append(f"'{source.path}': {(~known).sum()} of {len(known)} "
                     'videos have no attributes and count with V alone')
        attributes = np.where(known[:, None], attributes, video)
    return Scores(video, attributes, known, labels, _names(first),
                  tuple(notes))


def _column(dump: Dump, branch: str, alone: bool, notes: list) -> np.ndarray:
    """Scores [N, K] of a branch; nan where a video has no attributes."""
    key = f'{branch}_score'
    if not any(key in sample for sample in dump.samples):
        others = {'video_score', 'attributes_score'} - {key}
        found = others.intersection(*map(set, dump.samples))
        # Then it is not, or not only, this branch's.
        if not alone or found or 'pred_score' not in dump.samples[0]:
            raise ValueError(
                f"'{dump.path}': no sample has '{key}'" +
                (f", but '{found.pop()}'; is it the file of the other branch?"
                 if alone and found else ''))
        key = 'pred_score'
        notes.append(f"'{dump.path}' has no '{branch}_score': '{key}' is "
                     'used as it is')
    rows: List[Optional[np.ndarray]] = []
    for number, sample in enumerate(dump.samples):
        if key in sample:
            rows.append(_vector(dump, number, key))
        elif key == 'attributes_score':
            rows.append(None)
        else:
            raise ValueError(f"'{dump.path}': {_who(dump, number)} has no "
                             f"'{key}'")
    sizes = {len(row) for row in rows if row is not None}
    if len(sizes) > 1:
        raise ValueError(f"'{dump.path}': '{key}' has different numbers of "
                         f'classes: {sorted(sizes)}')
    empty = np.full(sizes.pop(), np.nan)
    return np.stack([empty if row is None else row for row in rows])


def _vector(dump: Dump, number: int, key: str) -> np.ndarray:
    value = dump.samples[number][key]
    try:
        score = torch.as_tensor(value, dtype=torch.float64).numpy()
    except (RuntimeError, TypeError, ValueError):
        score = np.empty(0)
    if score.ndim != 1 or not len(score):
        raise ValueError(f"'{dump.path}': '{key}' of {_who(dump, number)} is "
                         'not a list of scores [K]')
    if not np.isfinite(score).all():
        raise ValueError(f"'{dump.path}': '{key}' of {_who(dump, number)} is "
                         'not finite')
    return score


def _labels(dump: Dump, num_classes: int) -> np.ndarray:
    """Class numbers [N], or bool [N, K] where a video may have several."""
    rows = []
    for number, sample in enumerate(dump.samples):
        if 'gt_label' not in sample:
            raise ValueError(f"'{dump.path}': {_who(dump, number)} has no "
                             "'gt_label'")
        row = np.asarray(sample['gt_label']).reshape(-1)
        bound = num_classes if len(row) == 1 else 2
        if len(row) not in (1, num_classes) or len(row) != len(
                rows[0] if rows else row) or not np.isin(
                    row, np.arange(bound)).all():
            raise ValueError(
                f"'{dump.path}': 'gt_label' of {_who(dump, number)} is "
                f'{row.tolist()}; expected a number below {num_classes}, or '
                f'{num_classes} times 0 or 1, and the same in every video')
        rows.append(row)
    labels = np.stack(rows)
    return labels[:, 0].astype(int) if labels.shape[1] == 1 else labels == 1


def _match(first: Dump, second: Dump, notes: list) -> np.ndarray:
    """Number in ``second`` of each video of ``first``, [N]."""
    names, others = _names(first), _names(second)
    if names is None or others is None:
        if len(first.samples) != len(second.samples):
            raise ValueError(
                f"'{first.path}' has {len(first.samples)} videos, "
                f"'{second.path}' has {len(second.samples)}, and without "
                "'filename' or 'frame_dir' they cannot be matched")
        notes.append("without 'filename' or 'frame_dir' in both files, videos "
                     'are matched by position')
        return np.arange(len(first.samples))
    for dump in (first, second):
        check_distinct(_names(dump), f"'{dump.path}'")
    for here, there, a, b in ((names, others, first, second),
                              (others, names, second, first)):
        lonely = np.setdiff1d(here, there)
        if len(lonely):
            raise ValueError(f"{len(lonely)} videos of '{a.path}' are not in "
                             f"'{b.path}', such as '{lonely[0]}'")
    return np.argsort(others)[np.argsort(np.argsort(names))]
