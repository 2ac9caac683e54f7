"""Attention from packed queries, keys and values, without copies of them."""

from typing import Optional

import torch.nn.functional as F
from torch import Tensor


def split_heads(qkv: Tensor, heads: int) -> Tensor:
    """[N, L, 3·heads·d] to [3, N, heads, L, d]."""
    return qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor] = None) -> Tensor:
    """Each [N, heads, L, d] to [N, L, heads·d]; the mask as that of torch's
    ``scaled_dot_product_attention``."""
    if mask is not None and mask.is_floating_point():
        mask = mask.to(q.dtype)  # which autocast does not do
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out.transpose(1, 2).flatten(2)
