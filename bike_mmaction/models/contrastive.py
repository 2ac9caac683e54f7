"""The contrastive objective as pure functions (BIKE section 2.4, Eq. 7-9)."""

import math

import torch
from torch import Tensor


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


def contrastive_loss_by_class(
    scores: Tensor, labels: Tensor, target: str = 'soft'
) -> Tensor:
    """:func:`symmetric_contrastive_loss` of videos [B] and their classes.

    Videos of a class share a column of its matrix [B, B], which counts as often;
    so scores [B, K] are all that it needs, where there are more videos than
    classes.

    Args:
        scores (Tensor): Scaled similarities [B videos, K classes].
        labels (Tensor): Class indices [B].
        target (str): As there.

    Returns:
        Tensor: The same loss, a scalar.
    """
    videos, positives = len(labels), scores.new_zeros(scores.shape[1])  # [K]
    positives.index_add_(0, labels, scores.new_ones(videos))
    of_own, of_other = _wanted_by_class(positives, videos, target)  # [K] each
    own = scores.gather(1, labels[:, None])[:, 0]  # [B], of each with its class
    # Each row: log Σ exp - Σ wanted · score, whose weights wanted sum to 1.
    extra = ((of_own - of_other) * positives)[labels]
    rows = (scores + positives.log()).logsumexp(dim=1)
    # Not `@`, which autocast would compute in float16, that does not hold such sums.
    rows = rows - extra * own - of_other[labels] * (scores * positives).sum(dim=1)
    of_class = torch.zeros_like(positives).index_add(0, labels, own)
    columns = scores.logsumexp(dim=0) - (of_own - of_other) * of_class
    columns = columns - of_other * scores.sum(dim=0)  # [K]
    loss = (rows.mean() + (positives * columns).sum() / videos) / 2
    if target == 'hard':
        return loss
    own_part = of_own * positives * of_own.log()
    entropy = own_part + of_other * (videos - positives) * of_other.log()
    return loss + (positives * entropy).sum() / videos


def _wanted_by_class(
    positives: Tensor, videos: int, target: str
) -> tuple[Tensor, Tensor]:
    """What a video of each class is to have of one of its own class, and of one of
    another, [K] each."""
    if target == 'hard':
        return 1 / positives.clamp(min=1), torch.zeros_like(positives)
    total = positives * math.exp(10) + (videos - positives)
    return math.exp(10) / total, 1 / total
