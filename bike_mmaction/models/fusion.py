"""From class scores to what is ranked and shown; BIKE Eq. 4.

Videos are ranked, as in the authors' code, by S = λ · V + (1 - λ) · A, where
V and A are softmaxes of cosines without any scale, V averaged over the views.
What a person sees are calibrated confidences: softmax(logit_scale · cosine), or
sigmoid(logit_scale · cosine + bias) where a video may have several classes.
"""

from typing import NamedTuple, Optional, TypeVar

import numpy as np
import torch
from torch import Tensor

RELEASED_WEIGHT = 0.7  # λ of the authors' code; the paper's text names none

Array = TypeVar('Array', Tensor, np.ndarray)


class BranchScores(NamedTuple):
    """What the branches make of B videos with V views of T frames.

    Attributes:
        video (Tensor, optional): Cosines [B, V, K] of the video branch; None
            without video. Of a head that is no :class:`.VCSHead`, what it
            predicts, [B, 1, K].
        attributes (Tensor, optional): Cosines [B, K] of the attributes
            branch; None if no video has attributes.
        saliency (Tensor, optional): Share of each frame, [B, V, K, T].
        known (Tensor, optional): Bool [B], which videos have attributes; the
            rows of the others mean nothing. None as ``attributes``.
        frames (Tensor, optional): Scores of each frame by itself,
            [B, V, T, K], if the head keeps them (``keep_scores``).
    """

    video: Optional[Tensor] = None
    attributes: Optional[Tensor] = None
    saliency: Optional[Tensor] = None
    known: Optional[Tensor] = None
    frames: Optional[Tensor] = None

    def are_finite(self) -> Tensor:
        """Whether all scores are finite: a bool scalar, on the device of the scores."""
        scores = self.video, self.attributes, self.frames
        known = [x.isfinite().all() for x in scores if x is not None]
        return torch.stack(known).all()


def fuse(video: Array, attributes: Array, weight: float = RELEASED_WEIGHT) -> Array:
    """S = λ · V + (1 - λ) · A; BIKE Eq. 4.

    Args:
        video (Tensor | np.ndarray): V [..., K].
        attributes (Tensor | np.ndarray): A [..., K]. For a video without
            attributes it must be V, so that every λ gives V.
        weight (float): λ, the share of V. Defaults to 0.7, as released.

    Returns:
        Tensor | np.ndarray: S [..., K].

    Raises:
        ValueError: if λ is not in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise ValueError(f'weight={weight} is not in [0, 1]')
    return weight * video + (1 - weight) * attributes


def confidences(
    cosines: Tensor, scale: Tensor, bias: Optional[Tensor] = None
) -> Tensor:
    """Calibrated, as CLIP and the loss see them.

    Args:
        cosines (Tensor): Class scores [..., K].
        scale (Tensor): exp(logit_scale), a scalar.
        bias (Tensor, optional): Of :class:`.SigmoidLoss`, a scalar. Defaults
            to None: a video has one class.

    Returns:
        Tensor: softmax(scale · cosine) [..., K], which sums to 1 over the
        classes; with a bias sigmoid(scale · cosine + bias), each class by
        itself.
    """
    if bias is not None:
        return (scale * cosines + bias).sigmoid()
    return (scale * cosines).softmax(dim=-1)
