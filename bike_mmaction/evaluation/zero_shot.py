"""Zero-shot protocols on per-frame CLIP scores (BIKE section 3.2, Table 5).

The authors' figures on UCF-101, HMDB-51 and ActivityNet were measured this
way: without temporal transformer and without saliency, each frame votes with
a softmax over the classes, the votes of a video are averaged. Either all
classes compete (*full-classes*), or a random half of them, ten times
(*half-classes*).
"""
from typing import Dict, List, Sequence, Tuple

import numpy as np
from mmaction.evaluation import top_k_accuracy
from scipy.special import softmax

NUM_SPLITS = 10
TOPK = (1, 5)


def frame_votes(similarity: np.ndarray) -> np.ndarray:
    """Class scores of videos of which each frame votes.

    Args:
        similarity (np.ndarray): Scaled similarity of frames and classes
            [N, T, K], as released: 100 times the dot product.

    Returns:
        np.ndarray: Softmax over the classes, mean over the frames, [N, K].
    """
    return softmax(similarity, axis=-1).mean(axis=1)


def half_of_classes(num_classes: int, seed: int) -> np.ndarray:
    """The classes of a split of the half-classes protocol, ascending.

    The same as the authors': numpy's legacy generator, seeded by the number
    of the split.
    """
    order = np.random.RandomState(seed).permutation(num_classes)
    return np.sort(order[:num_classes // 2])


def protocol(similarity: np.ndarray,
             labels: np.ndarray,
             topk: Sequence[int] = TOPK) -> Dict[str, float]:
    """Full-classes and half-classes accuracy.

    Args:
        similarity (np.ndarray): See :func:`frame_votes`, [N, T, K].
        labels (np.ndarray): Class numbers [N].
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).

    Returns:
        dict[str, float]: ``full_top{k}``; ``half_top{k}_mean`` and
        ``half_top{k}_std`` over the splits. Fractions.
    """
    metrics = {
        f'full_top{k}': value
        for k, value in zip(topk, _accuracy(similarity, labels, topk))
    }
    splits = half_classes(similarity, labels, topk)
    for k, values in zip(topk, zip(*splits)):
        metrics[f'half_top{k}_mean'] = float(np.mean(values))
        metrics[f'half_top{k}_std'] = float(np.std(values))
    return metrics


def half_classes(similarity: np.ndarray,
                 labels: np.ndarray,
                 topk: Sequence[int] = TOPK) -> List[Tuple[float, ...]]:
    """Accuracies of each split, on the videos of its classes.

    Args:
        similarity (np.ndarray): [N, T, K].
        labels (np.ndarray): [N].
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).

    Returns:
        list[tuple[float]]: A tuple a split.

    Raises:
        ValueError: if a split has no videos.
    """
    found = []
    for seed in range(NUM_SPLITS):
        classes = half_of_classes(similarity.shape[-1], seed)
        videos = np.isin(labels, classes)
        if not videos.any():
            raise ValueError(f'no video is of the classes of split {seed}: '
                             f'{classes[:5].tolist()} ...')
        # Only classes of which there are videos compete, as released.
        present = np.unique(labels[videos])
        found.append(
            _accuracy(similarity[videos][..., present],
                      np.searchsorted(present, labels[videos]), topk))
    return found


def _accuracy(similarity: np.ndarray, labels: np.ndarray,
              topk: Sequence[int]) -> Tuple[float, ...]:
    return tuple(top_k_accuracy(frame_votes(similarity), labels, tuple(topk)))
