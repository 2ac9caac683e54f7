"""Video concept spotting as pure functions (BIKE section 2.3, Eq. 2, 5, 6)."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor


def frame_saliency(
    frames: Tensor, queries: Tensor, temperature: float, mask: Optional[Tensor] = None
) -> Tensor:
    """How much each frame has to do with each class; BIKE Eq. 5.

    Every query is compared with every frame; a softmax over the frames, then
    the mean over the queries.

    Args:
        frames (Tensor): Unit frame embeddings [N, T, D].
        queries (Tensor): Unit embeddings [K, Q, D], Q for each class.
        temperature (float): Of the softmax, in units of cosine.
        mask (Tensor, optional): Bool [K, Q], which queries count.

    Returns:
        Tensor: Saliency [N, K, T]; sums to 1 over the frames.
    """
    similarity = torch.einsum('ntd,kqd->nkqt', frames, queries)
    saliency = (similarity / temperature).softmax(dim=-1)
    if mask is None:
        return saliency.mean(dim=2)
    weights = mask.to(saliency) / mask.sum(dim=1, keepdim=True)  # [K, Q]
    return torch.einsum('nkqt,kq->nkt', saliency, weights)


def concept_spotting(
    frames: Tensor,
    words: Tensor,
    classes: Tensor,
    temperature: float,
    mask: Optional[Tensor] = None,
    renormalize: bool = False,
) -> tuple[Tensor, Tensor]:
    """Class scores of videos whose frames are weighted by saliency.

    BIKE Eq. 5, 6 and 2. The released code sums frame embeddings of unit
    length and takes the dot product with the class; Eq. 2's cosine would
    bring the sum to unit length again.

    Args:
        frames (Tensor): Unit frame embeddings [N, T, D].
        words (Tensor): Unit word embeddings [K, Q, D].
        classes (Tensor): Unit class embeddings [K, D].
        temperature (float): See :func:`frame_saliency`.
        mask (Tensor, optional): Bool [K, Q], which words count.
        renormalize (bool): Whether to take Eq. 2's cosine.
            Defaults to False: the released code's dot product.

    Returns:
        tuple[Tensor, Tensor]: Class scores [N, K], saliency [N, K, T].
    """
    saliency = frame_saliency(frames, words, temperature, mask)
    # An embedding of the video for each class.
    videos = torch.einsum('nkt,ntd->nkd', saliency, frames)
    if renormalize:
        videos = F.normalize(videos, dim=-1)
    return torch.einsum('nkd,kd->nk', videos, classes), saliency
