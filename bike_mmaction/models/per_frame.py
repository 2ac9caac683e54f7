"""Any image backbone on the frames of clips."""

import copy

from mmaction.models import Recognizer2D
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from .frame_features import to_frames


@MODELS.register_module()
class PerFrameBackbone(BaseModule):
    """An image backbone that sees each frame by itself.

    So that image backbones go where clips are expected, such as in
    :class:`.CLIPRecognizer`.

    Args:
        backbone (dict): Config of a two-dimensional backbone of MMAction2,
            or of another package, as ``Recognizer2D`` takes it: ``type`` is
            then 'mmpretrain.', 'timm.' or 'torchvision.' with a name.
    """

    def __init__(self, backbone: dict) -> None:
        super().__init__()
        # It knows how to build and to call backbones of other packages.
        self.images = Recognizer2D(copy.deepcopy(backbone))

    def forward(self, x: Tensor) -> Tensor:
        """Embed the frames.

        Args:
            x (Tensor): Clips [N, 3, T, H, W].

        Returns:
            Tensor: [N, T, C], averaged over space.
        """
        frames = x.transpose(1, 2)  # [N, T, 3, H, W]
        features, _ = self.images.extract_feat(frames.contiguous(), stage='backbone')
        return to_frames(features, frames.shape[1])
