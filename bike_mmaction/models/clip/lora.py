"""Low-rank adapters (LoRA, Hu et al. 2021) on CLIP's towers.

They are torch's own parametrizations of weights, which attention of one module
(open_clip's) takes like any linear layer. The library ``peft`` would change the
weights of such attention in each forward and back, to within rounding, and
replace the parameters meanwhile, which MMEngine's initialization, and several
threads, do not bear.
"""

from collections.abc import Iterator
from typing import Any

import torch.nn as nn
from torch import Tensor
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """W + scale · B·A of a weight W [out, in].

    A [rank, in] is drawn, as that of a linear layer, and B [out, rank] is zero
    at first, so that nothing changes before training.

    Args:
        weight (Tensor): W.
        rank (int): Width of the adapter.
        scale (float): Of what it adds.
    """

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.A = nn.Parameter(weight.new_empty(rank, weight.shape[1]))
        self.B = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.A, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.scale * (self.B @ self.A)


def add_lora(tower: nn.Module, rank: int = 8, scale: float = 2.0) -> None:
    """Train adapters of a tower in place of its weights.

    They are on the weights of all attention and linear layers of its blocks.

    Args:
        tower (nn.Module): Is changed in place.
        rank (int): See :class:`LowRank`. Defaults to 8.
        scale (float): See :class:`LowRank`. Defaults to 2.

    Raises:
        ValueError: if ``rank`` is not positive, or the tower has no blocks.
    """
    if rank < 1:
        raise ValueError(f'lora.rank={rank} must be positive')
    weights = list(_weights_of_blocks(tower))
    if not weights:
        raise ValueError(
            f'lora: this tower ({type(tower).__name__}) has no transformer blocks; '
            'train all of it, or nothing'
        )
    tower.requires_grad_(False)
    for module, name in weights:
        adapter = LowRank(getattr(module, name), rank, scale)
        parametrize.register_parametrization(module, name, adapter, unsafe=True)


def load_tower(tower: nn.Module, state: dict[str, Tensor]) -> None:
    """Load pretrained weights into a tower, whether it has adapters or not.

    Args:
        tower (nn.Module): To load into.
        state (dict[str, Tensor]): Of a tower without adapters.
    """
    own = tower.state_dict()
    originals = {_plain(name): name for name in own}
    adapters = {name: value for name, value in own.items() if _is_adapter(name)}
    weights = {originals.get(name, name): value for name, value in state.items()}
    tower.load_state_dict({**weights, **adapters})


def merged_state(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model whose adapters are part of its weights.

    Args:
        model (nn.Module): With adapters or without.

    Returns:
        dict[str, Tensor]: As of the same model without adapters.
    """
    state = {
        _plain(name): value
        for name, value in model.state_dict().items()
        if not _is_adapter(name)
    }
    for path, module in model.named_modules():
        for name in _adapted(module):
            key = f'{path}.{name}' if path else name
            state[key] = getattr(module, name).detach()
    return state


def _weights_of_blocks(tower: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Modules and names of weights, each once."""
    lists = [m for m in tower.modules() if is_list_of_blocks(m)]
    seen: set[int] = set()
    for module in (m for blocks in lists for m in blocks.modules()):
        if id(module) in seen:
            continue
        seen.add(id(module))
        if isinstance(module, nn.Linear):  # the last one of attention, too
            yield module, 'weight'
        elif isinstance(module, nn.MultiheadAttention):
            yield module, 'in_proj_weight'


def is_list_of_blocks(module: nn.Module) -> bool:
    """Several modules of several layers each, not layers one after another."""
    return isinstance(module, (nn.ModuleList, nn.Sequential)) and all(
        any(True for _ in block.children()) for block in module
    )


def _adapted(module: nn.Module) -> list[str]:
    if not parametrize.is_parametrized(module):
        return []
    named: Any = module.parametrizations  # of each weight, a list
    return [name for name, own in named.items() if isinstance(own[0], LowRank)]


def _plain(name: str) -> str:
    """``attn.parametrizations.in_proj_weight.original`` without adapters."""
    return name.replace('parametrizations.', '').replace('.original', '')


def _is_adapter(name: str) -> bool:
    return 'parametrizations.' in name and not name.endswith('.original')
