"""What is looked at before a module's tensors are loaded."""

from typing import Any, Callable

import torch
import torch.nn as nn
from torch import Tensor


def before_loading(module: nn.Module, hook: Callable[..., None]) -> None:
    """Call a function before a module's tensors are loaded.

    A public hook of newer torch, also for older ones.

    Args:
        module (nn.Module): The module.
        hook (callable): Takes the module, the state dict, the prefix of the
            module's tensors in it and more, which torch's documentation of
            ``register_load_state_dict_pre_hook`` lists.
    """
    if hasattr(module, 'register_load_state_dict_pre_hook'):
        module.register_load_state_dict_pre_hook(hook)
    else:  # torch < 2.5 has it, but not as a public method
        module._register_load_state_dict_pre_hook(hook, with_module=True)


def note_tensors(model: Any) -> None:
    """Keep the shapes of whole tensors, before they are cut into shards.

    Args:
        model (nn.Module): The model.
    """
    model.whole_tensors = {
        name: torch.empty_like(value, device='meta')
        for name, value in model.state_dict().items()
    }


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """What a checkpoint is compared with: the state dict, or shapes that were kept.

    Args:
        model (nn.Module): Whole, or in shards after :func:`note_tensors`.
    """
    return getattr(model, 'whole_tensors', None) or model.state_dict()


def is_sharded(model: nn.Module) -> bool:
    """Whether each process has but a part of its weights.

    Args:
        model (nn.Module): A recognizer, not wrapped.
    """
    return hasattr(model, 'whole_tensors')
