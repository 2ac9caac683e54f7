"""Read what ``bike test --dump`` writes: the scores of both branches."""

from typing import NamedTuple, Optional

import numpy as np
import torch

from ..datasets.attribute_file import key_parts
from .dump_files import load_dump

BRANCH_KEYS = ('video_score', 'attributes_score')


class Dump(NamedTuple):
    """A file of ``bike test --dump``: a dict for each video."""

    path: str
    samples: list[dict]


class Scores(NamedTuple):
    """What the branches say of N videos.

    Attributes:
        video (np.ndarray): V [N, K].
        attributes (np.ndarray): A [N, K]; where a video has none it is V, so
            that every λ gives V.
        known (np.ndarray): Bool [N], which videos have attributes.
        labels (np.ndarray): Class numbers [N], or bool [N, K] where a video
            may have several.
        names (np.ndarray, optional): Paths [N] without extension.
    """

    video: np.ndarray
    attributes: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    names: Optional[np.ndarray]

    def take(self, which: np.ndarray) -> 'Scores':
        """Those of the videos that ``which``, bool [N], says."""
        return Scores(
            self.video[which],
            self.attributes[which],
            self.known[which],
            self.labels[which],
            None if self.names is None else self.names[which],
        )


def read_dump(path: str) -> Dump:
    """Read a dump, see :func:`.load_dump`.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it does not hold a list of dicts, or an empty one; or if
            it holds what is no data.
    """
    samples = load_dump(path)
    if not isinstance(samples, list) or not all(
        isinstance(sample, dict) for sample in samples
    ):
        raise ValueError(
            f"'{path}' does not hold a list of dicts, as `bike test --dump` writes it"
        )
    if not samples:
        raise ValueError(f"'{path}' holds an empty list")
    return Dump(path, samples)


def join(first: Dump, second: Optional[Dump] = None) -> tuple[Scores, list[str]]:
    """Bring the scores of both branches together, video by video.

    Args:
        first (Dump): With ``video_score`` [K] and, where it is alone,
            ``attributes_score`` [K].
        second (Dump, optional): With ``attributes_score`` [K] of the same
            videos, in any order if both dumps name them. In a pair,
            ``pred_score`` is taken where there is no score of a branch.

    Returns:
        tuple[Scores, list[str]]: In the order of ``first``, and what a reader
        of results should know.

    Raises:
        ValueError: if a score is missing or not finite, or the videos, the
            numbers of classes or the labels do not agree; names file and key.
    """
    notes: list[str] = []
    source = second or first
    video = _scores(first, 'video_score', second is not None, notes)
    attributes = _scores(source, 'attributes_score', second is not None, notes)
    num_classes = video.shape[1]
    if attributes.shape[1] != num_classes:
        raise ValueError(
            f"'{first.path}' has video scores of {num_classes} "
            f"classes, '{source.path}' has attribute scores of "
            f'{attributes.shape[1]}'
        )
    labels, names = labels_of(first, num_classes), _names(first)
    if second is not None:
        order = _match(first, second, notes)
        attributes = attributes[order]
        other_labels = labels_of(second, num_classes)[order]
        for number, (one, other) in enumerate(zip(labels, other_labels)):
            if not np.array_equal(one, other):
                raise ValueError(
                    f"'{first.path}' and '{second.path}': 'gt_label' of "
                    f'{_who(first, number)} is not the same'
                )
    known = ~np.isnan(attributes).any(axis=1)
    if not known.all():
        notes.append(
            f"'{source.path}': {(~known).sum()} of {len(known)} "
            'videos have no attributes and count with V alone'
        )
        attributes = np.where(known[:, None], attributes, video)
    return Scores(video, attributes, known, labels, names), notes


def _who(dump: Dump, number: int) -> str:
    name = _name(dump.samples[number])
    return f"'{name}'" if name else f'video {number}'


def _name(sample: dict) -> str:
    path = sample.get('filename') or sample.get('frame_dir') or ''
    return '/'.join(key_parts(path))


def _names(dump: Dump) -> Optional[np.ndarray]:
    """Names [N]; None if they are not known of all videos."""
    names = [_name(sample) for sample in dump.samples]
    if not all(names):
        return None
    different, counts = np.unique(names, return_counts=True)
    twice = different[counts > 1]
    if len(twice):
        raise ValueError(
            f"'{dump.path}' has {len(twice)} videos more than "
            f"once, such as '{twice[0]}'"
        )
    return np.array(names)


def _scores(dump: Dump, key: str, pair: bool, notes: list[str]) -> np.ndarray:
    """Scores [N, K]; rows of nan where a video has no attributes."""
    keys = set().union(*dump.samples)
    if key not in keys:
        # Beside the score of a branch, `pred_score` may be that or fused.
        if not pair or 'pred_score' not in keys or keys & set(BRANCH_KEYS):
            present = [k for k in (*BRANCH_KEYS, 'pred_score') if k in keys]
            raise ValueError(
                f"'{dump.path}' has no '{key}'; of scores it has: {present or None}"
            )
        notes.append(f"'{dump.path}' has no '{key}': its 'pred_score' is used as it is")
        key = 'pred_score'
    rows = [
        None
        if key == 'attributes_score' and key not in sample
        else _score(dump, number, key)
        for number, sample in enumerate(dump.samples)
    ]
    sizes = {len(row) for row in rows if row is not None}
    if len(sizes) > 1:
        raise ValueError(
            f"'{dump.path}': '{key}' has not the same number of "
            f'classes everywhere: {sorted(sizes)}'
        )
    missing = np.full(sizes.pop(), np.nan)
    return np.stack([missing if row is None else row for row in rows])


def _score(dump: Dump, number: int, key: str) -> np.ndarray:
    try:
        score = torch.as_tensor(
            dump.samples[number].get(key), dtype=torch.float64
        ).numpy()
    except (RuntimeError, TypeError, ValueError):
        score = np.empty(0)
    if score.ndim != 1 or not score.size or not np.isfinite(score).all():
        raise ValueError(
            f"'{dump.path}': '{key}' of {_who(dump, number)} is "
            'missing, not a vector, or has NaN or infinity'
        )
    return score


def ranking_scores(dump: Dump) -> np.ndarray:
    """``pred_score``, by which videos were ranked, as float [N, K].

    Raises:
        ValueError: if one is missing or not finite, or their numbers of
            classes differ; names file and video.
    """
    return _scores(dump, 'pred_score', False, [])


def labels_of(dump: Dump, num_classes: int) -> np.ndarray:
    """Class numbers [N], or bool [N, K] where a video may have several.

    Raises:
        ValueError: if a label is of another form; names file and video.
    """
    rows = [np.ravel(np.asarray(s.get('gt_label', ()))) for s in dump.samples]
    size = len(rows[0])
    accepted = np.arange(num_classes if size == 1 else 2)
    for number, row in enumerate(rows):
        if (
            size not in (1, num_classes)
            or len(row) != size
            or not np.isin(row, accepted).all()
        ):
            raise ValueError(
                f"'{dump.path}': 'gt_label' of {_who(dump, number)} is "
                f'{row.tolist()!s:.40}; expected a number in [0, '
                f'{num_classes}), or 0 or 1 for each of {num_classes} '
                'classes, and one of both for all videos'
            )
    labels = np.stack(rows)
    return labels[:, 0].astype(np.int64) if size == 1 else labels == 1


def _match(first: Dump, second: Dump, notes: list[str]) -> np.ndarray:
    """For each video of the first dump its number in the second, [N]."""
    names, others = _names(first), _names(second)
    if names is None or others is None:
        one, other = len(first.samples), len(second.samples)
        if one != other:
            raise ValueError(
                f"'{first.path}' has {one} videos, "
                f"'{second.path}' has {other}, and not all have "
                "'filename' or 'frame_dir' to match them by"
            )
        notes.append(
            "not all videos have 'filename' or 'frame_dir': matched by position"
        )
        return np.arange(one)
    alone = np.setxor1d(names, others)
    if len(alone):
        raise ValueError(
            f'{len(alone)} videos are in only one of '
            f"'{first.path}' and '{second.path}', such as "
            f"'{alone[0]}'"
        )
    places = {name: number for number, name in enumerate(others)}
    return np.array([places[name] for name in names])
