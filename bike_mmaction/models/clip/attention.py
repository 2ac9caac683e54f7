"""Attention of open_clip's and timm's towers, without copies of what it reads."""

from typing import Optional

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from ...compat import torch_version


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


class PackedAttention(nn.MultiheadAttention):
    """Self-attention whose queries, keys and values stay where they were computed.

    torch's module copies all three to places of their own, and what comes of them
    back. Weights and their names are those of the module, results to rounding; a
    CPU keeps to the module, digit for digit, unless the tower is compiled.

    Attributes:
        is_compiled (bool): Whether it is part of a compiled tower.
    """

    is_compiled = False

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        **options,
    ):
        """As torch's, which does what else is asked of it."""
        gains = self.is_compiled or query.is_cuda
        is_plain = query is key is value and self.batch_first and not self.dropout
        is_masked = key_padding_mask is not None or attn_mask is not None
        if need_weights or options or is_masked or not (gains and is_plain):
            return super().forward(
                query, key, value, key_padding_mask, need_weights, attn_mask, **options
            )
        qkv = F.linear(query, self.in_proj_weight, self.in_proj_bias)
        q, k, v = split_heads(qkv, self.num_heads)
        return self.out_proj(attend(q, k, v)), None


def pack_attention(tower: nn.Module) -> None:
    """Let the attention of open_clip's towers be :class:`PackedAttention`, as that of
    timm's is already; where torch compiles such modules as one with what is around
    them, which it does from 2.5 on.

    Args:
        tower (nn.Module): Is changed in place; its weights keep their names.
    """
    if torch_version() < (2, 5):
        return
    for module in tower.modules():
        if type(module) is nn.MultiheadAttention and module._qkv_same_embed_dim:
            module.__class__ = PackedAttention
