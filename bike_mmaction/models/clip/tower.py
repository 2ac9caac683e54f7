"""What CLIP's two towers share.

``arch`` is a model name of open_clip or a dict in the layout of its
model-config files. Weights are read by ``init_weights()`` only, so that
building a model or testing a checkpoint downloads nothing.
"""

from typing import Optional

import torch.nn as nn
from mmengine.model import BaseModule

from .architectures import Arch, get_arch
from .lora import add_lora


class CLIPTower(BaseModule):
    """Base of both encoders: freezing, and where the weights come from.

    Args:
        arch (str | dict): An open_clip model name or model-config dict.
        pretrained (str, optional): An open_clip tag or a local file, see
            :func:`.load_pretrained`; None for random weights.
        frozen (bool): Whether to leave the weights as they are.
        init_cfg (dict, optional): Initialization config of ``BaseModule``.
        lora (dict, optional): Arguments of :func:`.add_lora`: only adapters are
            trained. None trains the weights themselves.
    """

    def __init__(
        self,
        arch: Arch,
        pretrained: Optional[str],
        frozen: bool,
        init_cfg: Optional[dict],
        lora: Optional[dict],
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if frozen and lora is not None:
            raise ValueError(
                f'{type(self).__name__}: lora is trained, but frozen=True says that '
                'nothing is; leave one of them out'
            )
        self.arch = arch
        self.pretrained = pretrained
        self.frozen = frozen
        self.config = get_arch(arch)

    def _choose_trained(self, tower: nn.Module, lora: Optional[dict]) -> None:
        """All of the tower, its adapters, or nothing."""
        if lora is not None:
            add_lora(tower, **lora)
        if self.frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True):
        """A frozen tower stays in evaluation mode."""
        return super().train(mode and not self.frozen)
