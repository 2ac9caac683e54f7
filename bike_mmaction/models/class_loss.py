"""Loss and training accuracy of a head that never waits for the GPU."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList
from torch import Tensor

from .label_check import check_labels
from .transfer import copy_to


def top_k_accuracies(
    scores: Tensor, labels: Tensor, topk: Sequence[int]
) -> dict[str, Tensor]:
    """Shares of videos whose class is among the k best, on the scores' device.

    As of MMAction2's ``top_k_accuracy``, which counts on the host. Of classes
    with equal scores the later one counts as the better one.

    Args:
        scores (Tensor): Class scores [B, K].
        labels (Tensor): Class indices [B].
        topk (Sequence[int]): The values of k.

    Returns:
        dict[str, Tensor]: ``top{k}_acc``, scalars in double precision.
    """
    scores = scores.detach()
    own = scores.gather(1, labels[:, None])  # [B, 1]
    later = torch.arange(scores.shape[1], device=scores.device) > labels[:, None]
    # Not `scores > own`: whatever is not a number counts as better, too.
    better = ~(scores <= own) | ((scores == own) & later)
    rank = better.sum(dim=1)
    return {f'top{k}_acc': (rank < k).double().sum() / len(labels) for k in topk}


def stack_labels(data_samples: Sequence[ActionDataSample], device: torch.device):
    """Class indices [B], or ones and zeros [B, K] of several labels.

    Args:
        data_samples (Sequence[ActionDataSample]): With ``gt_label``.
        device (torch.device): Where they are wanted.
    """
    labels = torch.stack([sample.gt_label for sample in data_samples])
    labels = copy_to(labels, device)
    return labels.squeeze(1) if labels.shape[1] == 1 else labels


class ClassLossHead(BaseHead):
    """MMAction2's head, whose training does not ask the GPU for numbers."""

    logit_scale: Tensor

    def loss(self, feats, data_samples: SampleList, **kwargs) -> dict:
        """Losses and training accuracy.

        Args:
            feats (Tensor): Features of the upstream network.
            data_samples (list[ActionDataSample]): With ``gt_label``.

        Returns:
            dict: ``loss_cls`` and ``top{k}_acc``; the latter not where only the
            classes of a batch are compared.

        Raises:
            ValueError: if a label is not in [0, K).
        """
        check_labels(data_samples, self.num_classes)
        compared = getattr(self.loss_cls, 'classes', 'all')
        if compared == 'batch' and not self.label_smooth_eps:
            return dict(loss_cls=_loss_of_batch(self, feats, data_samples, **kwargs))
        cls_scores = self(feats, **kwargs) * self.logit_scale.exp()
        return self.loss_by_feat(cls_scores, data_samples)

    def loss_by_feat(self, cls_scores: Tensor, data_samples: SampleList) -> dict:
        """As of ``BaseHead``.

        Args:
            cls_scores (Tensor): Class scores [B, K].
            data_samples (list[ActionDataSample]): With ``gt_label``.

        Returns:
            dict: ``loss_cls``, and ``top{k}_acc`` where a video has one label.
        """
        labels = stack_labels(data_samples, cls_scores.device)
        losses = {}
        if labels.shape != cls_scores.shape:
            losses = top_k_accuracies(cls_scores, labels, self.topk)
        if self.label_smooth_eps != 0:
            if labels.shape != cls_scores.shape:
                labels = F.one_hot(labels, num_classes=self.num_classes)
            share = self.label_smooth_eps
            labels = (1 - share) * labels + share / self.num_classes
        loss = self.loss_cls(cls_scores, labels)
        return dict(losses, **(loss if isinstance(loss, dict) else dict(loss_cls=loss)))


def _loss_of_batch(
    head: Any, feats: Any, data_samples: SampleList, **kwargs: Any
) -> Tensor:
    """The same loss by the scores of those classes that it needs."""
    scale = head.logit_scale.exp()
    labels = stack_labels(data_samples, scale.device)
    everyone, sizes = head.loss_cls.gather_labels(labels)  # [B of all ranks]
    if labels.ndim > 1 or len(everyone) >= head.num_classes:
        return head.loss_cls(head(feats, **kwargs) * scale, labels)
    # Not each class once, whose number the host would have to wait for.
    classes = head.embed_classes(head.needs_words())
    classes = type(classes)(*[None if x is None else x[everyone] for x in classes])
    scores = head.score(feats, len(data_samples), classes=classes, **kwargs).video
    return head.loss_cls.of_batch(scores.flatten(0, 1) * scale, everyone, sizes)
