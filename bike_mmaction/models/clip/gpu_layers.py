"""Layers of image towers that take a GPU less time than those of the libraries.

Weights and their names are those of the layers whose place they take, results to
rounding. A CPU keeps to the libraries' layers, digit for digit; but where it runs
compiled towers, it takes attention and the last block from here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, Transformer, VisionTransformer
from timm.layers import PatchEmbed
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ...compat import torch_version
from .attention import attend, split_heads


def use_gpu_layers(tower: Any) -> None:
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
        if isinstance(module, PatchEmbed) and _takes_patches(module.proj):
            module.proj.__class__ = PatchProjection
    if type(tower) is VisionTransformer:
        if _takes_patches(tower.conv1):
            tower.conv1.__class__ = PatchProjection
        if _gives_the_class_token(tower):
            tower.__class__ = ClassTokenTower
            tower.transformer.resblocks[-1].__class__ = ClassTokenBlock


def _takes_patches(layer: nn.Module) -> bool:
    """Whether it is a convolution that takes each pixel once."""
    return (
        type(layer) is nn.Conv2d
        and layer.stride == layer.kernel_size
        and layer.padding == (0, 0)
        and layer.dilation == (1, 1)
        and layer.groups == 1
    )


def _gives_the_class_token(tower: Any) -> bool:
    last = tower.transformer.resblocks[-1]
    return (
        tower.pool_type == 'tok'
        and tower.attn_pool is None
        and type(tower.transformer) is Transformer
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


class ClassTokenTower(VisionTransformer):
    """A tower of which the class token is asked, and no other in its last block.

    The others serve there as keys and values and go no further: 10 of 12 parts of
    the block's work are for them. All are computed where somebody may look at them:
    where there are hooks on the last block, in it or behind it, where the tower gives
    its tokens, or runs in another way than as a whole.

    Attributes:
        computes_all (bool): Whether all tokens are computed.
    """

    computes_all = False

    def forward(self, x: Tensor):
        """Images [N, 3, H, W] to embeddings [N, D]; with ``output_tokens`` as
        open_clip's."""
        if self._needs_all_tokens() or not _gains(x):
            return super().forward(x)
        x = self._embeds(x)
        *blocks, last = self.transformer.resblocks
        for block in blocks:
            x = self._run(block, x)
        x, _ = self._pool(self._run(last, x, True))
        return x if self.proj is None else x @ self.proj

    def _run(self, block: nn.Module, x: Tensor, *options: bool) -> Tensor:
        # Options are arguments, so that what is recomputed is what was computed.
        arguments = x, None, None, None, *options
        if self.transformer.grad_checkpointing:
            return checkpoint(block, *arguments, use_reentrant=False)
        return block(*arguments)

    def _needs_all_tokens(self) -> bool:
        last = self.transformer.resblocks[-1]
        return (
            self.computes_all
            or self.output_tokens
            or type(self.transformer) is not Transformer  # merges, or is wrapped
            or any(
                module._forward_pre_hooks
                or module._forward_hooks
                or module._backward_pre_hooks
                or module._backward_hooks
                for module in (self.transformer, self.ln_post, *last.modules())
            )
        )


class ClassTokenBlock(ResidualAttentionBlock):
    """A block that can compute the class token alone."""

    def forward(self, q_x, k_x=None, v_x=None, attn_mask=None, class_token=False):
        """Tokens [N, L, D] to all of them, or the class token [N, 1, D]."""
        if not class_token:
            return super().forward(q_x, k_x, v_x, attn_mask)
        tokens = self.ln_1(q_x)
        x = q_x[:, :1] + self.ls_1(self.attention(tokens[:, :1], tokens, tokens))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


@contextmanager
def all_tokens(model: nn.Module) -> Iterator[None]:
    """Where towers compute all tokens of their last blocks.

    Args:
        model (nn.Module): Whose towers.
    """
    towers = [tower for tower in model.modules() if isinstance(tower, ClassTokenTower)]
    before = [tower.computes_all for tower in towers]
    for tower in towers:
        tower.computes_all = True
    try:
        yield
    finally:
        for tower, value in zip(towers, before):
            tower.computes_all = value
