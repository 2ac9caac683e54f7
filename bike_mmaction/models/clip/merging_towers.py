"""The towers of open_clip and timm that can merge tokens, see token_merging.py."""

from typing import Any, Optional

import torch.nn as nn
import torch.nn.functional as F
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock, Transformer, VisionTransformer
from timm.models import vision_transformer as timm_vit
from torch import Tensor

from .attention import attend, split_heads
from .gpu_layers import ClassTokenBlock
from .token_merging import Merged, merge


def add_token_merging(tower: nn.Module, count: int) -> None:
    """Merge tokens of a tower wherever it is in evaluation mode.

    Args:
        tower (nn.Module): Of open_clip. It is changed in place; its weights
            keep their names.
        count (int): Tokens merged in each block, at most half of those left.

    Raises:
        ValueError: if ``count`` is not positive, or the tower is of another kind.
    """
    if count < 1:
        raise ValueError(f'token_merging={count} must be positive, or 0 for none')
    trunk: Any = tower.trunk if isinstance(tower, TimmModel) else tower
    blocks: Any
    merging: type
    if isinstance(trunk, VisionTransformer):
        blocks, merging, prefix = trunk.transformer, MergingTransformer, 1
        plain = ResidualAttentionBlock, ClassTokenBlock
        fits = all(type(b) in plain for b in blocks.resblocks)
    else:
        blocks, merging = getattr(trunk, 'blocks', None), MergingBlocks
        prefix = getattr(trunk, 'num_prefix_tokens', 0)
        fits = isinstance(trunk, timm_vit.VisionTransformer) and all(
            type(b) is timm_vit.Block and _is_plain(b.attn) for b in blocks
        )
    if not fits:
        raise ValueError(
            f'token_merging={count} needs a vision transformer of open_clip or timm '
            'with plain attention, without rotary positions, but this tower is '
            f'{type(trunk).__name__}; leave token_merging out'
        )
    blocks.__class__ = merging  # a wrapper would change the names of its weights
    blocks.count, blocks.prefix = count, prefix


def _is_plain(attention: nn.Module) -> bool:
    gate = getattr(attention, 'gate', None)  # of newer timm
    return type(attention) is timm_vit.Attention and gate is None


class _Merging:
    """How tokens go through a sequence of blocks in evaluation mode."""

    count: int
    prefix: int

    def _go_through(self, blocks: Any, x: Tensor) -> Tensor:
        """Tokens [N, L, C] to tokens of the same shape."""
        merged = Merged.begin(x, self.prefix)
        for number, block in enumerate(blocks):
            # At first all are of one size, and attention is fastest without.
            bias = merged.bias() if number else None
            added, keys = self._attend(block, merged.tokens, bias)
            merged = merged._replace(tokens=merged.tokens + added)
            merged = merge(merged, keys, self.count, self.prefix)
            added = self._mlp(block, merged.tokens)
            merged = merged._replace(tokens=merged.tokens + added)
        return merged.parted(self.prefix)

    def _attend(
        self, block: Any, x: Tensor, bias: Optional[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """What attention adds to tokens [N, L, C], and its keys [N, L, d]."""
        raise NotImplementedError

    def _mlp(self, block: Any, x: Tensor) -> Tensor:
        raise NotImplementedError


class MergingTransformer(_Merging, Transformer):
    """Blocks of open_clip."""

    def forward(self, x: Tensor, attn_mask: Optional[Tensor] = None) -> Tensor:
        """Tokens [N, L, C]; merges in evaluation mode."""
        if self.training:
            return super().forward(x, attn_mask)
        return self._go_through(self.resblocks, x)

    def _attend(self, block, x, bias):
        attn, x = block.attn, block.ln_1(x)
        qkv = F.linear(x, attn.in_proj_weight, attn.in_proj_bias)
        q, k, v = split_heads(qkv, attn.num_heads)
        return block.ls_1(attn.out_proj(attend(q, k, v, bias))), k.mean(1)

    def _mlp(self, block, x):
        return block.ls_2(block.mlp(block.ln_2(x)))


class MergingBlocks(_Merging, nn.Sequential):
    """Blocks of timm."""

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [N, L, C]; merges in evaluation mode."""
        if self.training:
            return super().forward(x)
        return self._go_through(self, x)

    def _attend(self, block, x, bias):
        attn = block.attn
        q, k, v = split_heads(attn.qkv(block.norm1(x)), attn.num_heads)
        q, k = attn.q_norm(q), attn.k_norm(k)
        out = attn.norm(attend(q, k, v, bias))
        return block.ls1(attn.proj(out)), k.mean(1)

    def _mlp(self, block, x):
        return block.ls2(block.mlp(block.norm2(x)))
