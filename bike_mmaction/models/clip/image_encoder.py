"""The image tower of any CLIP that open_clip knows."""

from typing import Any, Optional

from mmaction.registry import MODELS
from torch import Tensor

from .architectures import Arch, arch_name, build_image_tower
from .lora import load_tower
from .tower import CLIPTower
from .weights import load_pretrained


@MODELS.register_module()
class CLIPImageEncoder(CLIPTower):
    """CLIP's visual tower, applied to each frame by itself.

    Args:
        arch (str | dict): An open_clip model name or model-config dict.
        pretrained (str, optional): An open_clip tag or a local file, see
            :func:`.load_pretrained`. Defaults to None: random weights.
        frozen (bool): Whether to leave the weights as they are.
            Defaults to False.
        as_feature_map (bool): Whether to return embeddings with further
            dimensions of length 1, as MMAction2's own heads expect.
            Defaults to False.
        with_cp (bool): Whether to trade time for memory by recomputing
            activations (gradient checkpointing). Defaults to False.
        init_cfg (dict, optional): Initialization config of ``BaseModule``.
        lora (dict, optional): Arguments of :func:`.add_lora`, such as ``dict(rank=8)``:
            only adapters are trained. Defaults to None: the weights themselves.
    """

    visual: Any  # open_clip's, of one of several classes

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str] = None,
        frozen: bool = False,
        with_cp: bool = False,
        as_feature_map: bool = False,
        init_cfg: Optional[dict] = None,
        lora: Optional[dict] = None,
    ) -> None:
        super().__init__(arch, pretrained, frozen, init_cfg, lora)
        self.as_feature_map = as_feature_map
        self.visual = build_image_tower(arch)
        self.embed_dims = self.config['embed_dim']
        if with_cp:
            self.visual.set_grad_checkpointing(True)
        self._choose_trained(self.visual, lora)

    def init_weights(self) -> None:
        """Read ``pretrained``, if it is given."""
        super().init_weights()
        if self.pretrained is not None:
            source = load_pretrained(self.arch, self.pretrained)
            load_tower(self.visual, source.visual.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Embed images or the frames of clips.

        Args:
            x (Tensor): [N, 3, T, H, W] or [N, 3, H, W], normalised; or its own
                frame embeddings [N, T, D], which were kept.

        Returns:
            Tensor: Frame embeddings [N, T, D], or [N, D]; not normalised.
            With ``as_feature_map`` [N, D, T, 1, 1], or [N, D, 1, 1].

        Raises:
            ValueError: if the images are not of the tower's size, or it would
                train on embeddings that were kept.
        """
        if x.ndim == 3:
            return self._pass_on(x)
        size = self._image_size()
        if tuple(x.shape[-2:]) != size:
            raise ValueError(
                f'arch={arch_name(self.arch)} takes images of '
                f'{size[0]}x{size[1]} pixels (height x width), got '
                f'{x.shape[-2]}x{x.shape[-1]}; '
                "change the pipeline's crop size"
            )
        if x.ndim == 4:
            out = self._encode(x)
            return out[..., None, None] if self.as_feature_map else out
        n, _, t = x.shape[:3]
        frames = x.transpose(1, 2).flatten(0, 1)  # [N·T, 3, H, W]
        out = self._encode(frames).unflatten(0, (n, t))  # [N, T, D]
        return out.transpose(1, 2)[..., None, None] if self.as_feature_map else out

    def _pass_on(self, x: Tensor) -> Tensor:
        if self.training and not self.frozen:
            raise ValueError(
                'frame embeddings that were kept are of a frozen image tower, but '
                'this one trains: set model.backbone.frozen=True'
            )
        if x.shape[-1] != self.embed_dims:
            raise ValueError(
                f'frame embeddings of width {x.shape[-1]}, but those of '
                f'arch={arch_name(self.arch)} have {self.embed_dims}'
            )
        return x.transpose(1, 2)[..., None, None] if self.as_feature_map else x

    def _encode(self, images: Tensor) -> Tensor:
        out = self.visual(images)
        return out[0] if isinstance(out, tuple) else out  # CoCa adds tokens

    def _image_size(self) -> tuple[int, int]:
        size = self.visual.image_size
        return (size, size) if isinstance(size, int) else tuple(size)
