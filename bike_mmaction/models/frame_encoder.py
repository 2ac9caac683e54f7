"""The image tower of a recognizer alone, to keep what it makes of frames."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn as nn
from mmaction.structures import ActionDataSample
from torch import Tensor

from ..checkpoint.digest import weights_sha256
from .clip.image_encoder import CLIPImageEncoder
from .frame_features import to_frames


class FrameEncoder:
    """Frames to frame embeddings, before neck and head.

    Args:
        recognizer (nn.Module): Whose ``backbone`` is a
            :class:`.CLIPImageEncoder`; it is put into evaluation mode.

    Raises:
        ValueError: if the backbone is another one, which may see several
            frames at once.
    """

    def __init__(self, recognizer: nn.Module) -> None:
        backbone = getattr(recognizer, 'backbone', None)
        if not isinstance(backbone, CLIPImageEncoder):
            raise ValueError(
                'frame embeddings are kept of an image tower of CLIP: '
                'model.backbone must be a CLIPImageEncoder, got '
                f'{type(backbone).__name__}'
            )
        self.backbone = backbone.eval()
        self.preprocessor: Any = recognizer.data_preprocessor
        self.width = int(backbone.embed_dims)

    @torch.no_grad()
    def __call__(self, inputs: Sequence[Tensor]) -> np.ndarray:
        """Embed the frames of some videos, in float32.

        Args:
            inputs (Sequence[Tensor]): Images [V, 3, T, H, W] of each, as a
                pipeline packs them.

        Returns:
            np.ndarray: Frame embeddings [B, V, T, D], float32.
        """
        samples = [ActionDataSample() for _ in inputs]
        data = self.preprocessor(dict(inputs=list(inputs), data_samples=samples))
        frames = to_frames(self.backbone(data['inputs'].flatten(0, 1)))  # [B·V, T, D]
        return frames.unflatten(0, (len(inputs), -1)).float().cpu().numpy()

    def settings(self) -> dict:
        """What determines the embeddings of given images."""
        return tower_settings(self.backbone, self.preprocessor)


def tower_settings(backbone: CLIPImageEncoder, preprocessor: nn.Module) -> dict:
    """An image tower told apart from others, as JSON.

    Args:
        backbone (CLIPImageEncoder): The tower.
        preprocessor (nn.Module): What normalises its images.
    """
    others: dict[str, Any] = {
        name: getattr(preprocessor, name).flatten().tolist()
        for name in ('mean', 'std')
        if getattr(preprocessor, name, None) is not None
    }
    if backbone.token_merging:  # not told by older files
        others['token_merging'] = backbone.token_merging
    return dict(
        arch=backbone.arch,
        sha256=weights_sha256(backbone),
        to_rgb=bool(getattr(preprocessor, 'to_rgb', False)),
        **others,
    )
