"""Video concept spotting as pure functions (BIKE section 2.3, Eq. 2, 5, 6)."""

import math
from collections.abc import Iterator
from typing import Optional

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Similarities of frames and queries that exist at once: on a CPU what its cache
# holds; on a GPU enough to keep it busy.
MOST_ON_CPU, MOST_ON_GPU = 2**22, 2**24
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
    if mask is None:
        weights = queries.new_full(queries.shape[:2], 1 / queries.shape[1])
    else:
        weights = mask.to(queries) / mask.sum(dim=1, keepdim=True)
    most = MOST_ON_CPU if frames.device.type == 'cpu' else MOST_ON_GPU
    videos, t = frames.shape[:2]
    # While a model is exported, the number of videos is a symbol, no int.
    if isinstance(videos, int) and videos * t * weights.numel() > most:
        saliency = _SaliencyInParts.apply(frames, queries, weights, temperature, most)
    else:
        logits = torch.einsum('kqd,ntd->kqnt', queries / temperature, frames)
        saliency = torch.einsum('kqnt,kq->knt', logits.softmax(dim=-1), weights)
    return saliency.transpose(0, 1)


class _SaliencyInParts(torch.autograd.Function):
    """:func:`frame_saliency` [K, N, T] with ``most`` similarities at once.

    They lie in memory that all parts use; the gradient makes them once more.
    """

    @staticmethod
    def forward(ctx, frames, queries, weights, temperature, most):
        ctx.save_for_backward(frames, queries, weights)
        ctx.options = temperature, most
        saliency = frames.new_empty(len(queries), *frames.shape[:2])
        for k, n, softmax, _ in _parts(frames, queries, *ctx.options):
            # [k, 1, q] by [k, q, n·t]
            part = weights[k, None] @ softmax.flatten(2)
            saliency[k, n] = part.view(saliency[k, n].shape)
        return saliency

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        frames, queries, weights = ctx.saved_tensors
        wanted = zip((frames, queries), ctx.needs_input_grad)
        of_frames, of_queries = (torch.zeros_like(x) if y else None for x, y in wanted)
        weights = weights / ctx.options[0]
        for k, n, softmax, buffer in _parts(frames, queries, *ctx.options):
            # That of a softmax p: p · g - p · Σ p·g.
            torch.mul(softmax, gradient[k, None, n], out=buffer)
            buffer.addcmul_(softmax, buffer.sum(dim=-1, keepdim=True), value=-1)
            of_logits = buffer.mul_(weights[k, :, None, None]).flatten(0, 1).flatten(1)
            rows, columns = queries[k].flatten(0, 1), frames[n].flatten(0, 1)
            if of_frames is not None:
                of_frames[n].flatten(0, 1).addmm_(of_logits.t(), rows)
            if of_queries is not None:
                of_queries[k].flatten(0, 1).addmm_(of_logits, columns)
        return of_frames, of_queries, None, None, None


def _parts(
    frames: Tensor, queries: Tensor, temperature: float, most: int
) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
    """Which classes and videos, their softmax [k, q, n, t], and a buffer like it."""
    videos, t = frames.shape[:2]
    classes, q = queries.shape[:2]
    at_once = min(classes, max(1, most // (videos * t * q)))
    videos_at_once = min(videos, max(1, most // (at_once * t * q)))
    buffers = frames.new_empty(2, at_once * q * videos_at_once * t)
    for first in range(0, classes, at_once):
        k = slice(first, min(first + at_once, classes))
        rows = (queries[k] / temperature).flatten(0, 1)
        for start in range(0, videos, videos_at_once):
            n = slice(start, min(start + videos_at_once, videos))
            columns = frames[n].flatten(0, 1).t()
            shape = (k.stop - k.start, q, n.stop - n.start, t)
            logits, softmax = (
                buffer[: math.prod(shape)].view(shape) for buffer in buffers
            )
            torch.matmul(rows, columns, out=logits.view(len(rows), -1))
            torch.softmax(logits, dim=-1, out=softmax)
            yield k, n, softmax, logits


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
