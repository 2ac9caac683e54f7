"""The contrastive objective of both branches (BIKE section 2.4, Eq. 7-9)."""

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

TARGETS = ('soft', 'hard')


def symmetric_contrastive_loss(
    logits: Tensor, match: Tensor, target: str = 'soft'
) -> Tensor:
    """Contrast B videos with the class texts of the same B videos.

    Eq. 7: the mean of the loss over rows (video to class) and over columns
    (class to video). Several videos of a batch may share a class; all of
    them are positives.

    Args:
        logits (Tensor): Scaled similarities [B videos, B classes].
        match (Tensor): Bool [B, B], true where video and class belong
            together; symmetric.
        target (str): 'soft': KL divergence to softmax(10 · match), what the
            released models were trained with. 'hard': cross-entropy to a
            uniform distribution over the positives, Eq. 7 as printed.

    Returns:
        Tensor: The loss, a scalar.
    """
    match = match.to(logits.dtype)
    if target == 'soft':
        wanted = (10 * match).softmax(dim=1)
        entropy = (wanted * wanted.log()).sum(dim=1).mean()
    else:
        wanted = match / match.sum(dim=1, keepdim=True)
        entropy = logits.new_zeros(())
    rows = -(wanted * logits.log_softmax(dim=1)).sum(dim=1).mean()
    columns = -(wanted * logits.t().log_softmax(dim=1)).sum(dim=1).mean()
    return (rows + columns) / 2 + entropy


def gather_with_grad(x: Tensor) -> Tensor:
    """Concatenate the tensors of all ranks along dimension 0.

    The gradient is the true one: each rank receives what all ranks' losses
    owe to its part. (``mmaction``'s GatherLayer returns 1/ranks of it.)

    Args:
        x (Tensor): [B, ...]; B may differ between ranks.

    Returns:
        Tensor: [sum of B, ...], in the order of the ranks.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return x
    from torch.distributed.nn.functional import all_gather

    sizes = x.new_zeros(dist.get_world_size(), dtype=torch.long)
    sizes[dist.get_rank()] = len(x)
    dist.all_reduce(sizes)
    longest = int(sizes.max())
    padded = F.pad(x, [0, 0] * (x.ndim - 1) + [0, longest - len(x)])
    parts = all_gather(padded.contiguous())
    return torch.cat([p[:n] for p, n in zip(parts, sizes.tolist())])


@MODELS.register_module()
class ContrastiveLoss(nn.Module):
    """Symmetric, multi-positive contrastive loss over the global batch.

    N ranks give the loss and, with the gradient averaging of
    DistributedDataParallel, the gradients of one rank with the N-fold batch.

    Args:
        target (str): 'soft' or 'hard', see
            :func:`symmetric_contrastive_loss`. Defaults to 'soft'.
        loss_weight (float): Factor of the loss. Defaults to 1.0.
    """

    def __init__(self, target: str = 'soft', loss_weight: float = 1.0):
        super().__init__()
        if target not in TARGETS:
            raise ValueError(f'target={target!r}; choose from {TARGETS}')
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
        scores = gather_with_grad(cls_score.float())  # [B of all ranks, K]
        labels = gather_with_grad(label)
        if len(labels) == 0:
            return scores.sum()  # 0, with a gradient of 0
        # Column j is the class of video j.
        logits = scores[:, labels]  # [B of all ranks, B of all ranks]
        match = labels[:, None] == labels[None]
        return self.loss_weight * symmetric_contrastive_loss(logits, match, self.target)
