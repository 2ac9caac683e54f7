"""The temporal transformer of the video branch ("Transf" in Table 6a)."""

from functools import partial
from typing import Optional

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from open_clip.transformer import LayerNorm, QuickGELU, Transformer
from torch import Tensor


@MODELS.register_module()
class TemporalTransformer(BaseModule):
    """Transformer blocks over the frames of a clip, with a skip around all.

    BIKE section 3.3, "a multi-layer (e.g., 6-layers) Transformer encoder with
    position embedding".

    Args:
        embed_dims (int): Width D of the frame embeddings.
        num_heads (int): Attention heads. The released models have as many
            as CLIP's text tower: its width / 64.
        num_layers (int): Blocks. Defaults to 6.
        max_frames (int): Learned frame positions; the released models keep
            as many as the text tower has token positions. Defaults to 77.
        init_cfg (dict, optional): Defaults to None: frame positions and the
            weights of linear layers from N(0, 0.02²), their biases zero, the
            attention's input projections as torch draws them.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        num_layers: int = 6,
        max_frames: int = 77,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_heads < 1 or embed_dims % num_heads:
            raise ValueError(
                f'embed_dims={embed_dims} is not a multiple of num_heads={num_heads}'
            )
        self.embed_dims = embed_dims
        self.frame_position_embeddings = nn.Embedding(max_frames, embed_dims)
        self.transformer = Transformer(
            embed_dims,
            num_layers,
            num_heads,
            act_layer=QuickGELU,
            norm_layer=partial(LayerNorm, eps=1e-12),
        )

    def init_weights(self) -> None:
        """Draw the weights, unless ``init_cfg`` says otherwise."""
        if self.init_cfg is None:
            for module in self.modules():
                if isinstance(module, (nn.Linear, nn.Embedding)):
                    nn.init.normal_(module.weight, std=0.02)
                if isinstance(module, nn.Linear):
                    nn.init.zeros_(module.bias)
        super().init_weights()

    def forward(self, x: Tensor, data_samples=None) -> tuple[Tensor, dict]:
        """Let the frames of each clip see each other.

        Args:
            x (Tensor): Frame embeddings [N, T, D].
            data_samples: Unused; necks of MMAction2 take it.

        Returns:
            tuple[Tensor, dict]: Frame embeddings [N, T, D], and MMAction2's
            place for auxiliary losses, which is empty.

        Raises:
            ValueError: if there are more frames than positions.
        """
        num_frames, max_frames = x.shape[1], len(self.frame_position_embeddings.weight)
        if num_frames > max_frames:
            raise ValueError(
                f'{num_frames} frames per clip, but max_frames={max_frames}'
            )
        positions = self.frame_position_embeddings(
            torch.arange(num_frames, device=x.device)
        )  # [T, D]
        return x + self.transformer(x + positions), dict()
