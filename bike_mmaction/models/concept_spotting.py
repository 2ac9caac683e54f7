"""Video concept spotting as pure functions (BIKE section 2.3, Eq. 2, 5, 6)."""

from typing import Optional

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Similarities of frames and queries that exist at once: on a CPU what its cache
# holds; on a GPU enough to keep it busy.
MOST_ON_CPU, MOST_ON_GPU = 2**22, 2**26
EPSILON = 1e-12  # of F.normalize


def frame_saliency(
    frames: Tensor, queries: Tensor, temperature: float, mask: Optional[Tensor] = None
) -> Tensor:
    """How much each frame has to do with each class; BIKE Eq. 5.

    Every query is compared with every frame; a softmax over the frames, then
    the mean over the queries. The N·K·Q·T similarities are made a part at a
    time, and made again for the gradient, where they are many.

    Args:
        frames (Tensor): Unit frame embeddings [N, T, D].
        queries (Tensor): Unit embeddings [K, Q, D], Q for each class.
        temperature (float): Of the softmax, in units of cosine.
        mask (Tensor, optional): Bool [K, Q], which queries count.

    Returns:
        Tensor: Saliency [N, K, T]; sums to 1 over the frames.
    """
    n, t = frames.shape[:2]
    k, q = queries.shape[:2]
    if not isinstance(n, int):  # a symbol, while a model is exported
        return _saliency(frames, queries, temperature, mask)
    most = MOST_ON_CPU if frames.device.type == 'cpu' else MOST_ON_GPU
    classes = min(k, max(1, most // (max(1, n) * t * q)))
    videos = max(1, most // (classes * t * q))
    if classes == k and videos >= n:
        return _saliency(frames, queries, temperature, mask)
    masks = [None] * k if mask is None else mask.split(classes)
    return torch.cat(
        [
            torch.cat(
                [
                    _recomputed(part, some, temperature, one)
                    for part in frames.split(videos)
                ]
            )
            for some, one in zip(queries.split(classes), masks)
        ],
        dim=1,
    )


def _saliency(
    frames: Tensor, queries: Tensor, temperature: float, mask: Optional[Tensor]
) -> Tensor:
    """As :func:`frame_saliency`, all at once."""
    logits = (queries / temperature).flatten(0, 1) @ frames.flatten(0, 1).t()
    shape = (*queries.shape[:2], *frames.shape[:2])
    saliency = logits.view(shape).softmax(dim=-1)  # [K, Q, N, T]
    if mask is None:
        return saliency.mean(dim=1).transpose(0, 1)
    weights = mask.to(saliency) / mask.sum(dim=1, keepdim=True)  # [K, Q]
    return torch.einsum('kqnt,kq->nkt', saliency, weights)


def _recomputed(frames: Tensor, queries: Tensor, *options) -> Tensor:
    """As :func:`_saliency`; for a gradient it is computed once more, not kept."""
    if torch.is_grad_enabled() and (frames.requires_grad or queries.requires_grad):
        return checkpoint(
            _saliency,
            frames,
            queries,
            *options,
            use_reentrant=False,
            preserve_rng_state=False,  # nothing in it is random
        )
    return _saliency(frames, queries, *options)


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
    bring the sum to unit length again. That sum, an embedding of the video for
    each class, is never made: its dot product is that of the weights with
    frame · class, its length follows from frame · frame.

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
    scores = (saliency * (classes @ frames.transpose(1, 2))).sum(dim=-1)
    if renormalize:
        products = frames @ frames.transpose(1, 2)  # [N, T, T]
        squares = (saliency @ products * saliency).sum(dim=-1)
        scores = scores / squares.clamp(min=EPSILON**2).sqrt()
    return scores, saliency
