"""Zero-shot protocols (BIKE section 3.2, Table 5).

Either all classes compete (*full-classes*), or a random half of them, ten
times (*half-classes*). What votes is one of two:

- *frames*: each frame with a softmax over 100 times its dot products with the
  classes, without temporal transformer and without saliency. Class embeddings
  have unit length, frame embeddings the one that CLIP gives them (about 10),
  so that nearly every frame votes for one class. The authors' figures on
  UCF-101, HMDB-51 and ActivityNet were measured this way.
- *video*: each view with a softmax over its class scores, from the whole
  video branch, as in every other test. Those on Kinetics-600 were.

The votes of a video are averaged.
"""

import logging
from collections.abc import Sequence

import numpy as np
from mmaction.evaluation import top_k_accuracy
from mmengine.logging import print_log
from scipy.special import softmax

NUM_SPLITS = 10
TOPK = (1, 5)


def votes(similarity: np.ndarray) -> np.ndarray:
    """Class scores of videos of which each frame, or each view, votes.

    Args:
        similarity (np.ndarray): Of frames and classes [N, T, K], as released
            100 times the dot product; or class scores of views [N, V, K],
            not scaled.

    Returns:
        np.ndarray: Softmax over the classes, mean over the voters, [N, K].
    """
    return softmax(similarity, axis=-1).mean(axis=1)


def half_of_classes(num_classes: int, seed: int) -> np.ndarray:
    """The classes of a split of the half-classes protocol, ascending.

    The same as the authors': numpy's legacy generator, seeded by the number
    of the split.
    """
    order = np.random.RandomState(seed).permutation(num_classes)
    return np.sort(order[: num_classes // 2])


def protocol(
    similarity: np.ndarray, labels: np.ndarray, topk: Sequence[int] = TOPK
) -> dict[str, float]:
    """Full-classes and half-classes accuracy.

    Args:
        similarity (np.ndarray): See :func:`votes`.
        labels (np.ndarray): Class numbers [N].
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).

    Returns:
        dict[str, float]: ``full_top{k}``; ``half_top{k}_mean`` and
        ``half_top{k}_std`` over the splits, unless there are so few classes
        with videos that a split has none. Fractions.
    """
    metrics = {
        f'full_top{k}': value
        for k, value in zip(topk, _accuracy(similarity, labels, topk))
    }
    try:
        splits = half_classes(similarity, labels, topk)
    except ValueError as error:
        print_log(f'No half-classes accuracy: {error}', 'current', logging.WARNING)
        return metrics
    for k, values in zip(topk, zip(*splits)):
        metrics[f'half_top{k}_mean'] = float(np.mean(values))
        metrics[f'half_top{k}_std'] = float(np.std(values))
    return metrics


def half_classes(
    similarity: np.ndarray, labels: np.ndarray, topk: Sequence[int] = TOPK
) -> list[tuple[float, ...]]:
    """Accuracies of each split, on the videos of its classes.

    Args:
        similarity (np.ndarray): See :func:`votes`.
        labels (np.ndarray): [N].
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).

    Returns:
        list[tuple[float]]: A tuple a split.

    Raises:
        ValueError: if a split has no videos.
    """
    accuracies = []
    for seed in range(NUM_SPLITS):
        classes = half_of_classes(similarity.shape[-1], seed)
        videos = np.isin(labels, classes)
        if not videos.any():
            raise ValueError(
                f'no video is of the classes of split {seed}: '
                f'{classes[:5].tolist()} ...'
            )
        # Only classes of which there are videos compete, as released.
        present = np.unique(labels[videos])
        accuracies.append(
            _accuracy(
                similarity[videos][..., present],
                np.searchsorted(present, labels[videos]),
                topk,
            )
        )
    return accuracies


def _accuracy(
    similarity: np.ndarray, labels: np.ndarray, topk: Sequence[int]
) -> tuple[float, ...]:
    return tuple(top_k_accuracy(votes(similarity), labels, tuple(topk)))
