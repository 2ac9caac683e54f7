"""Layers of image towers that take a GPU less time than those of the libraries.

Weights and their names are those of the layers whose place they take, results to
rounding. A CPU keeps to the libraries' layers, digit for digit, unless the tower is
compiled.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn as nn
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from timm.layers import PatchEmbed
from torch import Tensor

from ...compat import torch_version
from .attention import attend, split_heads


def use_gpu_layers(tower: nn.Module) -> None:
    """Let layers of open_clip's and timm's towers be those of this module.

    Where torch compiles such modules as one with what is around them, which it does
    from 2.5 on.

    Args:
        tower (nn.Module): Is changed in place; its weights keep their names.
    """
    if torch_version() < (2, 5):
        return
    for module in tower.modules():
        if type(module) is nn.MultiheadAttention and module._qkv_same_embed_dim:
            module.__class__ = PackedAttention  # timm's is like it already
        if isinstance(module, PatchEmbed) and type(module.proj) is nn.Conv2d:
            module.proj.__class__ = PatchProjection
    if isinstance(tower, VisionTransformer):
        if type(tower.conv1) is nn.Conv2d:
            tower.conv1.__class__ = PatchProjection
        if _gives_the_class_token(tower):
            tower.transformer.resblocks[-1].__class__ = ClassTokenBlock


def _gives_the_class_token(tower: VisionTransformer) -> bool:
    last = tower.transformer.resblocks[-1]
    return (
        tower.pool_type == 'tok'
        and tower.attn_pool is None
        and not tower.output_tokens
        and type(last) is ResidualAttentionBlock
        and last.attn.batch_first
    )


def _on_gpu(x: Tensor) -> bool:
    return x.is_cuda


def _gains(x: Tensor) -> bool:
    return _on_gpu(x) or torch.compiler.is_dynamo_compiling()


class PackedAttention(nn.MultiheadAttention):
    """Self-attention whose queries, keys and values stay where they were computed.

    torch's module copies all three to places of their own, and what comes of them
    back.
    """

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
        is_plain = query is key is value and self.batch_first and not self.dropout
        is_masked = key_padding_mask is not None or attn_mask is not None
        if need_weights or options or is_masked or not (_gains(query) and is_plain):
            return super().forward(
                query, key, value, key_padding_mask, need_weights, attn_mask, **options
            )
        qkv = F.linear(query, self.in_proj_weight, self.in_proj_bias)
        q, k, v = split_heads(qkv, self.num_heads)
        return self.out_proj(attend(q, k, v)), None


class PatchProjection(nn.Conv2d):
    """A convolution whose steps are as long as its kernel: a matrix product of patches.

    As such it takes a GPU a fifth of the time. A CPU keeps to the convolution.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, 3, H, W] to [N, D, rows, columns]."""
        rows, columns = self.kernel_size
        fits = images.shape[-2] % rows == 0 and images.shape[-1] % columns == 0
        if not (_on_gpu(images) and fits):
            return super().forward(images)
        patches = images.unflatten(3, (-1, columns)).unflatten(2, (-1, rows))
        patches = patches.permute(0, 2, 4, 1, 3, 5).flatten(3)  # [N, rows, columns, K]
        weight = self.weight.flatten(1)  # [D, K]
        # Tensor cores want rows of a multiple of 16 bytes; 3·14·14 numbers are not.
        padding = 0, -weight.shape[1] % 8
        patches, weight = F.pad(patches, padding), F.pad(weight, padding)
        return F.linear(patches, weight, self.bias).permute(0, 3, 1, 2)


class ClassTokenBlock(ResidualAttentionBlock):
    """The last block of a tower that gives its class token alone.

    The other tokens, which nobody asks for, serve as keys and values and go no
    further: 10 of 12 parts of the block's work are for them. All are computed where
    the block has hooks, whose authors may want them.

    Attributes:
        computes_all (bool): Whether all tokens are computed.
    """

    computes_all = False

    def forward(self, q_x, k_x=None, v_x=None, attn_mask=None):
        """Tokens [N, L, D] to [N, 1, D], or all [N, L, D]."""
        is_watched = self._forward_hooks or self._backward_hooks
        others = k_x is not None or v_x is not None or attn_mask is not None
        if self.computes_all or is_watched or others or not _gains(q_x):
            return super().forward(q_x, k_x, v_x, attn_mask)
        tokens = self.ln_1(q_x)
        x = q_x[:, :1] + self.ls_1(self.attention(tokens[:, :1], tokens, tokens))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


@contextmanager
def all_tokens(model: nn.Module) -> Iterator[None]:
    """Where the last blocks of towers compute all their tokens.

    Args:
        model (nn.Module): Whose towers.
    """
    blocks = [block for block in model.modules() if isinstance(block, ClassTokenBlock)]
    for block in blocks:
        block.computes_all = True
    try:
        yield
    finally:
        for block in blocks:
            block.computes_all = False
