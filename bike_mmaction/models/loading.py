"""A public hook of newer torch, also for older ones."""

from typing import Callable

import torch.nn as nn


def before_loading(module: nn.Module, hook: Callable[..., None]) -> None:
    """Call a function before a module's tensors are loaded.

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
