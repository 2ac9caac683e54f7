"""Low-rank adapters (LoRA, Hu et al. 2021) on CLIP's towers, by ``peft``."""

import copy
from typing import Any, Optional

import torch.nn as nn
from torch import Tensor

from .sharing import Unregistered

RANK, SCALE, DROPOUT = 8, 2.0, 0.0
_BASE = 'base_layer.'  # before what peft has put an adapter around


class LoRA:
    """Adapters on every attention and linear layer of a tower's blocks.

    The tower's own weights stay as they are; each layer adds ``scale`` · B·A,
    where A [rank, in] is drawn and B [out, rank] begins at zero, so that
    nothing changes before training. That is of open_clip's own towers, whose
    attention is one module, and of those of timm and Hugging Face. To the
    weights of the former peft adds in each forward, and takes it off again,
    which leaves rounding: it is no model for several threads before it is
    merged.

    Args:
        tower (nn.Module): Is changed in place.
        rank (int): Width of the adapters. Defaults to 8.
        scale (float): Of what they add. Defaults to 2.
        dropout (float): Before the adapters of linear layers; torch's
            attention takes none. Defaults to 0.

    Raises:
        ModuleNotFoundError: if peft is not installed.
        ValueError: if ``rank`` is not positive, or the tower has no blocks.
    """

    def __init__(
        self,
        tower: nn.Module,
        rank: int = RANK,
        scale: float = SCALE,
        dropout: float = DROPOUT,
    ) -> None:
        if rank < 1:
            raise ValueError(f'lora.rank={rank} must be positive')
        peft = _import_peft()
        attention = _attention(tower)
        linear = _linear(tower, attention)
        if not linear:
            raise ValueError(
                'lora: this tower has no transformer blocks (it is a '
                f'{type(tower).__name__}); train all of it, or nothing'
            )
        config = peft.LoraConfig(
            r=rank,
            lora_alpha=scale * rank,
            lora_dropout=dropout,
            target_modules=[*linear, *([] if dropout else attention)],
        )
        self._tuner = Unregistered(peft.tuners.lora.LoraModel(tower, config, 'default'))

    def merge(self) -> None:
        """Add the adapters to the tower's own weights, and remove them."""
        self._tuner.module.merge_and_unload()


def load_tower(tower: nn.Module, state: dict[str, Tensor]) -> None:
    """Load pretrained weights into a tower, whether it has adapters or not.

    Args:
        tower (nn.Module): To load into.
        state (dict[str, Tensor]): Of a tower without adapters.
    """
    own = tower.state_dict()
    names = {name.replace(_BASE, ''): name for name in own if '.lora_' not in name}
    weights = {names.get(name, name): value for name, value in state.items()}
    adapters = {name: value for name, value in own.items() if '.lora_' in name}
    tower.load_state_dict({**weights, **adapters})


def without_lora(model: nn.Module) -> nn.Module:
    """A copy of a model with its adapters merged into the weights."""
    model = copy.deepcopy(model)
    for module in model.modules():
        lora: Optional[LoRA] = getattr(module, 'lora', None)
        if isinstance(lora, LoRA):
            lora.merge()
            module.lora = None
    return model


def _attention(tower: nn.Module) -> list[str]:
    return [n for n, m in tower.named_modules() if isinstance(m, nn.MultiheadAttention)]


def _linear(tower: nn.Module, attention: list[str]) -> list[str]:
    """Linear layers of blocks: of lists of modules, but not of attention."""
    blocks = tuple(
        f'{name}.' for name, m in tower.named_modules() if _is_list_of_blocks(m)
    )
    inner = tuple(f'{name}.' for name in attention)
    return [
        name
        for name, module in tower.named_modules()
        if isinstance(module, nn.Linear)
        and name.startswith(blocks)
        and not name.startswith(inner)
    ]


def _is_list_of_blocks(module: nn.Module) -> bool:
    """Several modules of several layers each, not layers one after another."""
    return isinstance(module, (nn.ModuleList, nn.Sequential)) and all(
        any(True for _ in block.children()) for block in module
    )


def _import_peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ModuleNotFoundError(
            f'lora needs peft, and {error.name or "it"} is not installed: '
            "pip install 'bike_mmaction[lora]'"
        ) from error
    return peft
