"""Fusion of the two branches' scores after the test; BIKE Eq. 4.

``bike test --dump`` writes what the branches say of every video. From
that, S = λ · V + (1 - λ) · A can be had for any λ without the model. In the
authors' code λ is 0.7; it can also be chosen, on videos held out for that.
"""

from collections.abc import Sequence
from typing import Optional

import numpy as np
import torch
from mmaction.evaluation import (
    mean_average_precision,
    mean_class_accuracy,
    top_k_accuracy,
)

from ..models import fusion
from .score_dumps import Dump, Scores

RELEASED = fusion.RELEASED_WEIGHT


def fuse(scores: Scores, weight: float) -> np.ndarray:
    """S = λ · V + (1 - λ) · A of N videos, see :func:`.models.fusion.fuse`.

    Args:
        scores (Scores): V and A.
        weight (float): λ, the share of V.

    Returns:
        np.ndarray: S [N, K].

    Raises:
        ValueError: if λ is not in [0, 1].
    """
    return fusion.fuse(scores.video, scores.attributes, weight)


def measure(
    fused: np.ndarray, labels: np.ndarray, only: Optional[str] = None
) -> dict[str, float]:
    """MMAction2's metrics.

    Args:
        fused (np.ndarray): Scores [N, K].
        labels (np.ndarray): See :class:`Scores`.
        only (str, optional): 'top1' or 'mAP'. Defaults to None: all.

    Returns:
        dict[str, float]: ``top1``, ``top5`` (or K, if fewer), ``mean1`` (mean
        class accuracy) and ``mAP``; where a video may have several labels,
        ``mAP`` alone.

    Raises:
        ValueError: if there is no label at all.
    """
    metrics = {}
    if labels.ndim == 1 and only != 'mAP':
        topk = (1, min(5, fused.shape[1]))
        for k, value in zip(topk, top_k_accuracy(fused, labels, topk)):
            metrics[f'top{k}'] = float(value)
        metrics['mean1'] = float(mean_class_accuracy(fused, labels))
    if only != 'top1':
        if labels.ndim == 1:
            labels = np.eye(fused.shape[1], dtype=bool)[labels]  # [N, K]
        # MMAction2 leaves them out too, but divides by zero before.
        occurs = labels.any(axis=0)
        if not occurs.any():
            raise ValueError("no video has a 'gt_label': there is no mAP")
        metrics['mAP'] = float(
            mean_average_precision(fused[:, occurs], labels[:, occurs])
        )
    return metrics


def compare(scores: Scores, weights: dict[str, float]) -> list[dict]:
    """A table: either branch alone, and both fused (Table 6d-g).

    Args:
        scores (Scores): V and A of N videos.
        weights (dict[str, float]): λ by name of the row.

    Returns:
        list[dict]: Rows of ``name``, ``weight``, ``videos`` and what
        :func:`measure` gives. A alone counts on videos with attributes; if
        there are none, it has no metrics.
    """
    rows = []
    for name, weight in {'V': 1.0, 'A': 0.0, **weights}.items():
        part = scores.take(scores.known) if name == 'A' else scores
        row = dict(name=name, weight=weight, videos=len(part.labels))
        if row['videos']:
            row.update(measure(fuse(part, weight), part.labels))
        rows.append(row)
    return rows


def choose_metric(labels: np.ndarray, asked: Optional[str] = None) -> str:
    """What λ is chosen by: 'top1', or 'mAP' if videos have several labels.

    Raises:
        ValueError: if ``asked`` is 'top1' where videos have several labels.
    """
    if labels.ndim == 1:
        return asked or 'top1'
    if asked == 'top1':
        raise ValueError(
            "metric='top1' needs one label a video, but "
            "'gt_label' has several: choose 'mAP'"
        )
    return 'mAP'


def choose_weight(
    held_out: Scores, weights: Sequence[float], metric: str
) -> tuple[float, list[float]]:
    """The λ that is best on held-out videos.

    Args:
        held_out (Scores): Videos that no result is reported on.
        weights (Sequence[float]): The λ to try.
        metric (str): 'top1' or 'mAP'.

    Returns:
        tuple[float, list[float]]: λ, of several equally good ones the nearest
        to 0.7; the metric at each of ``weights``.
    """
    values = [
        measure(fuse(held_out, w), held_out.labels, metric)[metric] for w in weights
    ]
    best = [w for w, v in zip(weights, values) if v >= max(values) - 1e-12]
    # Rounded: 0.65 and 0.75 are equally near, and then the smaller counts.
    return min(best, key=lambda w: (round(abs(w - RELEASED), 9), w)), values


def split_half(scores: Scores, seed: int) -> tuple[Scores, Scores]:
    """Two random halves of the videos: to choose on, and to report on.

    Which video is where depends on names and seed, not on the order in the
    file, and never on scores or labels.

    Raises:
        ValueError: if there are fewer than two videos.
    """
    count = len(scores.labels)
    if count < 2:
        raise ValueError(
            '1 video cannot be split into a part to choose the '
            'weight on and a part to report on'
        )
    order = np.arange(count) if scores.names is None else np.argsort(scores.names)
    held_out = np.zeros(count, dtype=bool)
    chosen = np.random.RandomState(seed).permutation(order)[: count // 2]
    held_out[chosen] = True
    return scores.take(held_out), scores.take(~held_out)


def check_apart(held_out: Scores, reported: Scores) -> None:
    """λ must not be chosen on videos that are reported on.

    Raises:
        ValueError: if a video is in both, or their classes do not agree.
    """
    one, other = held_out.video.shape[1], reported.video.shape[1]
    if one != other or held_out.labels.ndim != reported.labels.ndim:
        raise ValueError(
            f'held-out videos have scores of {one} classes, the others of '
            f"{other}; or 'gt_label' is one number in one file, several in the other"
        )
    if held_out.names is not None and reported.names is not None:
        both = np.intersect1d(held_out.names, reported.names)
        if len(both):
            raise ValueError(
                f"{len(both)} videos are held out and reported on, such as '{both[0]}'"
            )


def fused_samples(first: Dump, scores: Scores, weight: float) -> list[dict]:
    """A dump of both branches, with S as ``pred_score``.

    Args:
        first (Dump): The N videos that :func:`join` had first.
        scores (Scores): What it returned.
        weight (float): λ.

    Returns:
        list[dict]: As ``bike test --dump`` writes in a test of both.
    """
    samples = []
    parts = zip(first.samples, fuse(scores, weight), *scores[:3])
    for sample, fused, video, attributes, known in parts:
        score = torch.tensor(fused)
        sample = dict(
            sample,
            pred_score=score,
            pred_label=score.argmax(dim=-1, keepdim=True),
            video_score=torch.tensor(video),
        )
        if known:
            sample['attributes_score'] = torch.tensor(attributes)
        samples.append(sample)
    return samples
