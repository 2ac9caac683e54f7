"""The image tower of any CLIP that open_clip knows."""

from contextlib import nullcontext
from typing import Any, Optional, Union

import torch
from mmaction.registry import MODELS
from torch import Tensor

from .architectures import Arch, arch_name, build_image_tower
from .efficiency import compile_tower, low_precision, with_patch_dropout
from .gpu_layers import use_gpu_layers
from .lora import load_tower
from .merging_towers import add_token_merging
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
        patch_dropout (float): Share of the patches that training leaves out, of
            each frame others. Defaults to 0.
        token_merging (int): Tokens merged in each block in evaluation mode, see
            :func:`.add_token_merging`. Defaults to 0.
        dtype (str, optional): 'bfloat16' or 'float16', of the weights of a frozen
            tower, see :func:`.low_precision`. Defaults to None: float32.
        compile (bool | dict): Whether to compile the tower (``torch.compile``) when
            it first runs; a dict has its options. Defaults to False.
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
        patch_dropout: float = 0.0,
        token_merging: int = 0,
        dtype: Optional[str] = None,
        compile: Union[bool, dict] = False,
    ) -> None:
        super().__init__(arch, pretrained, frozen, init_cfg, lora)
        self.as_feature_map = as_feature_map
        self.visual = self._build(patch_dropout)
        self.embed_dims = self.config['embed_dim']
        self.with_cp, self.token_merging = with_cp, token_merging
        if with_cp:
            self.visual.set_grad_checkpointing(True)
        if token_merging:
            add_token_merging(self.visual, token_merging)
        use_gpu_layers(self.visual)
        self._choose_trained(self.visual, lora)
        self.dtype = None if dtype is None else self._lower(dtype)
        if compile:
            if not isinstance(compile, (bool, dict)):
                raise ValueError(
                    f'compile={compile!r} must be True, or options of torch.compile '
                    "such as dict(mode='max-autotune')"
                )
            options = {} if compile is True else compile
            compile_tower(self.visual, options, by_block=not token_merging)

    def _build(self, patch_dropout: float) -> Any:
        if not patch_dropout:
            return build_image_tower(self.arch)
        if self.frozen:
            raise ValueError(
                f'patch_dropout={patch_dropout} is for training, but frozen=True '
                'says that the tower does not train; leave one of them out'
            )
        return with_patch_dropout(self.arch, patch_dropout)

    def _lower(self, dtype: str) -> torch.dtype:
        if not self.frozen:
            raise ValueError(
                f"dtype='{dtype}' is for a tower that does not train, whose steps "
                'would be lost in so few digits: set frozen=True, or train with '
                'AmpOptimWrapper, which keeps float32 weights'
            )
        return low_precision(self.visual, dtype)

    def train(self, mode: bool = True):
        """As ``CLIPTower``; checkpointing of timm's towers would merge no tokens."""
        super().train(mode)
        if self.with_cp and self.token_merging:
            self.visual.set_grad_checkpointing(self.training)
        return self

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
        with self._precision(images.device.type):
            out = self.visual(images)
        out = out[0] if isinstance(out, tuple) else out  # CoCa adds tokens
        return out if self.dtype is None else out.float()

    def _precision(self, device: str) -> Any:
        return (
            nullcontext() if self.dtype is None else torch.autocast(device, self.dtype)
        )

    def _image_size(self) -> tuple[int, int]:
        size = self.visual.image_size
        return (size, size) if isinstance(size, int) else tuple(size)
