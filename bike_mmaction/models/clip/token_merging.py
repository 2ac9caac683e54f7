"""Token merging (ToMe): fewer tokens from block to block of a vision transformer.

Bolya et al., Token Merging: Your ViT But Faster, ICLR 2023. In each block, between
attention and MLP, the patch tokens are parted by turns into two sets; each of the
first finds the one of the second whose key is most like its own (cosine, averaged
over the heads), and the most alike are merged with those, as means that weigh each
token by its patches. Attention adds the logarithm of that number, so that a merged
token is attended to as its patches would be (proportional attention). Class and
register tokens are never merged.

Beyond the paper: behind the last block each patch gets its token back, so that
pooling of any kind, by a mean or by attention, sees as many as without merging.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Merged(NamedTuple):
    """Tokens on their way through a tower, P of them patches.

    Attributes:
        tokens (Tensor): [N, L, C]; first those that are never merged.
        sizes (Tensor): Number of patches in each, [N, L].
        places (Tensor): In which token each patch is, counted from the first
            that may be merged, [N, P].
    """

    tokens: Tensor
    sizes: Tensor
    places: Tensor

    @classmethod
    def begin(cls, tokens: Tensor, prefix: int) -> 'Merged':
        """Of tokens [N, L, C] that are one patch each, but for the first ones."""
        places = _range(tokens.shape[1] - prefix, tokens)
        return cls(tokens, tokens.new_ones(tokens.shape[:2], dtype=torch.float), places)

    def bias(self) -> Tensor:
        """What proportional attention adds to its logits, [N, 1, 1, L]."""
        return self.sizes.log()[:, None, None]

    def parted(self, prefix: int) -> Tensor:
        """A token for each patch again, [N, prefix + P, C]."""
        patches = _take(self.tokens[:, prefix:], self.places)
        return torch.cat([self.tokens[:, :prefix], patches], 1)


def match(keys: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which tokens to merge (bipartite soft matching, section 3 of the paper).

    Args:
        keys (Tensor): Of those that may be merged, [N, L, d].
        count (int): How many to merge into others.

    Returns:
        tuple[Tensor, Tensor, Tensor]: In the first set, the tokens at 0, 2, 4
        ..., those that are merged [N, count], and those that are not; and in
        the second set, the others, what each is merged into [N, count].
    """
    keys = F.normalize(keys, dim=-1)
    similarity = keys[:, ::2] @ keys[:, 1::2].transpose(1, 2)  # [N, first, second]
    best, partners = similarity.max(dim=-1)
    order = best.argsort(dim=-1, descending=True)
    moved = order[:, :count]
    return moved, order[:, count:], partners.gather(1, moved)


def merge(merged: Merged, keys: Tensor, count: int, prefix: int) -> Merged:
    """Merge those patch tokens that are most alike.

    Args:
        merged (Merged): L tokens.
        keys (Tensor): Of attention, averaged over its heads, [N, L, d].
        count (int): How many to merge into others; at most half are.
        prefix (int): The number of first tokens, which are never merged.

    Returns:
        Merged: L - ``count`` tokens: the prefix, what is left of the first
        set, and the second set.
    """
    tokens, sizes, places = merged
    count = min(count, (tokens.shape[1] - prefix) // 2)
    if not count:
        return merged
    moved, kept, into = match(keys[:, prefix:], count)
    first, first_sizes = tokens[:, prefix::2], sizes[:, prefix::2]
    second, second_sizes = tokens[:, prefix + 1 :: 2], sizes[:, prefix + 1 :: 2]
    moved_sizes = first_sizes.gather(1, moved)
    sums = _add(
        second * second_sizes[..., None],
        into,
        _take(first, moved) * moved_sizes[..., None],
    )
    new_sizes = second_sizes.scatter_add(1, into, moved_sizes)
    means = (sums / new_sizes[..., None]).to(tokens.dtype)
    return Merged(
        torch.cat([tokens[:, :prefix], _take(first, kept), means], 1),
        torch.cat([sizes[:, :prefix], first_sizes.gather(1, kept), new_sizes], 1),
        _new_places(moved, kept, into, second.shape[1]).gather(1, places),
    )


def _new_places(moved: Tensor, kept: Tensor, into: Tensor, second: int) -> Tensor:
    """Where each token is after merging, [N, L]."""
    left = kept.shape[1]
    order = torch.cat([kept, moved], 1)
    new_first = torch.cat([_range(left, kept), left + into], 1)
    new_first = torch.empty_like(new_first).scatter(1, order, new_first)
    both = torch.cat([new_first, left + _range(second, kept)], 1)
    old = torch.arange(both.shape[1], device=kept.device)
    return both[:, old // 2 + old % 2 * order.shape[1]]  # by turns, as before


def _take(tokens: Tensor, indices: Tensor) -> Tensor:
    """Tokens [N, K, C] at indices [N, K]."""
    return tokens.gather(1, indices[..., None].expand(-1, -1, tokens.shape[-1]))


def _add(tokens: Tensor, indices: Tensor, added: Tensor) -> Tensor:
    """Tokens [N, L, C], to which those of [N, K, C] are added at indices [N, K]."""
    return tokens.scatter_add(1, indices[..., None].expand_as(added), added)


def _range(length: int, like: Tensor) -> Tensor:
    """0, 1, 2 ... for each of N, [N, length]."""
    return torch.arange(length, device=like.device).expand(like.shape[0], -1)
