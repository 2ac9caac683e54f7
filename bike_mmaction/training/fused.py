"""AdamW as one kernel of a GPU."""

from collections.abc import Iterable
from typing import Any, Optional, Union

import torch
from mmaction.registry import OPTIMIZERS
from torch import Tensor

Weights = Iterable[Union[Tensor, dict]]


@OPTIMIZERS.register_module()
class FusedAdamW(torch.optim.AdamW):
    """torch's AdamW, fused where all weights are on a GPU.

    All weights are then moved by a few kernels, to which a loss scaler of float16
    leaves the scale: the host does not wait for what it says. Elsewhere it is
    ``AdamW``, bit for bit. Checkpoints are those of ``AdamW``.

    Args:
        params (Iterable): Weights, or groups of them.
        fused (bool, optional): Whether to fuse. Defaults to None: on a GPU.
        **kwargs: Further arguments of ``AdamW``.
    """

    def __init__(
        self, params: Weights, *, fused: Optional[bool] = None, **kwargs: Any
    ) -> None:
        groups: Any = list(params)
        if fused is None and 'foreach' not in kwargs and _are_on_gpu(groups):
            fused = True
        super().__init__(groups, fused=fused, **kwargs)

    def state_dict(self) -> dict:
        """As of ``AdamW``; it says nothing of the device."""
        return _with(super().state_dict(), fused=None)

    def load_state_dict(self, state_dict: dict) -> None:
        """As of ``AdamW``; how to compute is not taken over."""
        fused = self.defaults['fused']
        super().load_state_dict(_with(state_dict, fused=fused))


def _are_on_gpu(groups: list) -> bool:
    weights: list[Any] = []
    for group in groups:
        own = group['params'] if isinstance(group, dict) else [group]
        weights += [own] if isinstance(own, Tensor) else own
    weights = [x[1] if isinstance(x, tuple) else x for x in weights]  # with names
    return all(x.device.type == 'cuda' and x.is_floating_point() for x in weights)


def _with(state: dict, **options: Any) -> dict:
    """The state of an optimizer with other options in all groups."""
    groups = [dict(group, **options) for group in state['param_groups']]
    return dict(state, param_groups=groups)
