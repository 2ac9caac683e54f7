"""The contrastive objective of both branches (BIKE section 2.4, Eq. 7-9), and a
binary one for videos that may have several classes."""

from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from .contrastive import contrastive_loss_by_class, symmetric_contrastive_loss
from .gathering import gather_with_grad, sizes_of_ranks
from .loading import before_loading

TARGETS = ('soft', 'hard')
COMPARED = ('all', 'batch')
MOST_VIDEOS = 2048  # of all ranks, whose scores are compared as a matrix [B, B]
MATCHING = 0.25  # usual cosine of a CLIP's image and a text that fits it


@MODELS.register_module()
class ContrastiveLoss(nn.Module):
    """Symmetric, multi-positive contrastive loss over the global batch.

    N ranks give the loss and, with the gradient averaging of
    DistributedDataParallel, the gradients of one rank with the N-fold batch.

    Attributes:
        equal_batches (bool): Whether all ranks have as many videos, so that they
            need not tell each other; a training sets it.

    Args:
        target (str): 'soft' or 'hard', see
            :func:`symmetric_contrastive_loss`. Defaults to 'soft'.
        loss_weight (float): Factor of the loss. Defaults to 1.0.
        classes (str): Which classes a :class:`.VCSHead` compares its videos with:
            'all', which gives the accuracy of training too; or 'batch', those
            that the videos of all ranks have, which is all that the loss needs.
            Defaults to 'all'.

    Raises:
        ValueError: if target or classes is another word.
    """

    equal_batches = False

    def __init__(
        self, target: str = 'soft', loss_weight: float = 1.0, classes: str = 'all'
    ) -> None:
        super().__init__()
        if target not in TARGETS:
            raise ValueError(f'target={target!r}; choose from {TARGETS}')
        if classes not in COMPARED:
            raise ValueError(f'classes={classes!r}; choose from {COMPARED}')
        self.classes = classes
        self.target = target
        self.loss_weight = loss_weight

    def forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            cls_score (Tensor): Class scores [B, K] of this rank, scaled by
                ``exp(logit_scale)``.
            label (Tensor): Class indices [B] of this rank.

        Returns:
            Tensor: The loss, a scalar, the same on every rank.

        Raises:
            ValueError: if the labels are not class indices.
        """
        if label.ndim != 1:
            raise ValueError(
                'ContrastiveLoss takes one class index per '
                f'video, got labels of shape '
                f'{tuple(label.shape)}'
            )
        labels, sizes = self.gather_labels(label)
        scores = gather_with_grad(cls_score.float(), sizes)  # [B of all ranks, K]
        if len(labels) == 0:
            return scores.sum()  # 0, with a gradient of 0
        if len(labels) > max(MOST_VIDEOS, scores.shape[1]):
            loss = contrastive_loss_by_class(scores, labels, self.target)
        else:
            # Column j is the class of video j.
            logits = scores[:, labels]  # [B of all ranks, B of all ranks]
            match = labels[:, None] == labels[None]
            loss = symmetric_contrastive_loss(logits, match, self.target)
        return self.loss_weight * loss

    def gather_labels(self, label: Tensor) -> tuple[Tensor, Optional[list[int]]]:
        """Class indices of all ranks, and how many each has."""
        sizes = sizes_of_ranks(label, self.equal_batches)
        return gather_with_grad(label, sizes), sizes

    def of_batch(
        self, scores: Tensor, labels: Tensor, sizes: Optional[list[int]]
    ) -> Tensor:
        """The same loss by scores of the classes that it needs.

        Args:
            scores (Tensor): Scaled scores [B, B of all ranks] of this rank's
                videos and the class of each video of all ranks.
            labels (Tensor): Class indices [B of all ranks].
            sizes (list[int], optional): As of :meth:`gather_labels`.
        """
        logits = gather_with_grad(scores.float(), sizes)
        match = labels[:, None] == labels[None]
        return self.loss_weight * symmetric_contrastive_loss(logits, match, self.target)


def sigmoid_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Say of each class by itself whether a video has it.

    Eq. 1 of "Sigmoid Loss for Language Image Pre-Training" (Zhai et al. 2023,
    https://arxiv.org/abs/2303.15343), with the K classes for texts: the mean
    over videos of the sum over classes of -log sigmoid(z · logit), z being 1
    where the video has the class and -1 where it has not.

    Args:
        logits (Tensor): scale · cosine + bias [B, K].
        wanted (Tensor): Ones and zeros [B, K].

    Returns:
        Tensor: The loss, a scalar.
    """
    signs = 2 * wanted - 1
    return -F.logsigmoid(signs * logits).sum(dim=1).mean()


def bias_for(scores: Tensor, share: Tensor) -> Tensor:
    """The bias with which probabilities have a certain mean.

    Args:
        scores (Tensor): scale · cosine, of any shape.
        share (Tensor): The mean of sigmoid(scores + bias), inside of (0, 1), a
            scalar in double precision.

    Returns:
        Tensor: The bias, a scalar, by halving an interval around it.
    """
    scores = scores.double()
    reach = torch.logit(share).abs()
    low, high = -scores.max() - reach, -scores.min() + reach
    for _ in range(60):
        middle = (low + high) / 2
        is_low = (scores + middle).sigmoid().mean() < share
        low, high = torch.where(is_low, middle, low), torch.where(is_low, high, middle)
    return (low + high) / 2


@MODELS.register_module()
class SigmoidLoss(nn.Module):
    """For videos that may have several classes, or none: see :func:`sigmoid_loss`.

    A head with this loss gives each class a probability of its own,
    sigmoid(scale · cosine + bias), with its ``logit_scale`` and the bias that
    is learned here. Views are then averaged by their cosines.

    The first batch that is trained on sets the bias, so that the mean of the
    probabilities is the share of labels in it. The paper's fixed -10 fits its
    scale of 10; a CLIP has one of up to 100, and in a short training the bias
    would not get far. Weights that have a bias keep it.

    Args:
        loss_weight (float): Factor of the loss. Defaults to 1.0.
    """

    equal_batches = False  # as of ContrastiveLoss

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.bias = nn.Parameter(torch.tensor(-10.0))
        self._is_to_be_set = True
        before_loading(self, _keep_bias)

    def guess_bias(self, scale: Tensor) -> None:
        """For a CLIP that is not trained further: where its texts begin to fit.

        Args:
            scale (Tensor): exp(logit_scale), a scalar.
        """
        self.bias.data.copy_(-MATCHING * scale)

    def start_bias(self, scale: Tensor, pretrained: Optional[Tensor]) -> None:
        """The bias before any training.

        Args:
            scale (Tensor): exp(logit_scale), a scalar.
            pretrained (Tensor, optional): That of pretrained weights, a scalar
                or [1], as SigLIP's have: it is taken over, and no batch sets
                another. None: see :meth:`guess_bias`.
        """
        if pretrained is None:
            self.guess_bias(scale)
        else:
            self.bias.data.copy_(pretrained.reshape(()))
            self._is_to_be_set = False

    def forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            cls_score (Tensor): Class scores [B, K] of this rank, scaled by
                ``exp(logit_scale)``, without the bias.
            label (Tensor): Ones and zeros [B, K], or class indices [B].

        Returns:
            Tensor: The loss, a scalar, the same on every rank, as of
            :class:`ContrastiveLoss`.

        Raises:
            ValueError: if the labels have another shape.
        """
        scores = cls_score.float()
        wanted = label
        if label.ndim == 1:
            wanted = label[:, None] == torch.arange(
                scores.shape[1], device=label.device
            )
        if wanted.shape != scores.shape:
            raise ValueError(
                'SigmoidLoss takes labels of all classes, '
                f'{list(scores.shape)}, got {list(label.shape)}'
            )
        sizes = sizes_of_ranks(scores, self.equal_batches)
        scores = gather_with_grad(scores, sizes)  # [B of all ranks, K]
        wanted = gather_with_grad(wanted.to(scores.dtype), sizes)
        if not len(scores):
            return scores.sum()  # 0, with a gradient of 0
        if self.training and self._is_to_be_set:
            self._set_bias(scores, wanted)
        return self.loss_weight * sigmoid_loss(scores + self.bias, wanted)

    @torch.no_grad()
    def _set_bias(self, scores: Tensor, wanted: Tensor) -> None:
        """By the batch of all ranks, which all set the same."""
        least = 0.5 / wanted.numel()  # where no video, or each, has all classes
        share = wanted.mean().double().clamp(least, 1 - least)
        self.bias.copy_(bias_for(scores, share))
        self._is_to_be_set = False


def _keep_bias(loss: SigmoidLoss, state_dict, prefix: str, *args) -> None:
    """Weights that have a bias are those of a model that was trained with one."""
    if f'{prefix}bias' in state_dict:
        loss._is_to_be_set = False
