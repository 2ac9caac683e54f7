"""The model inside of what MMEngine puts around it, and what it tells."""

from typing import Optional, cast

import torch.nn as nn
from mmengine.model import is_model_wrapper

from ..datasets.class_names import HEADS

# What FSDP and torch's checkpointing put there.
_BETWEEN_NAMES = ('_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')


def unwrap_model(model: nn.Module) -> nn.Module:
    """The model itself, such as that of a ``DistributedDataParallel``.

    Args:
        model (nn.Module): Wrapped by MMEngine, or not.
    """
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model


def plain_name(name: str) -> str:
    """The name that a weight has in a model of which no part is wrapped."""
    for wrapper in _BETWEEN_NAMES:
        name = name.replace(wrapper, '')
    return name


def number_of_classes(model: nn.Module) -> Optional[int]:
    """K of a recognizer's heads; None if it has none that tells.

    Args:
        model (nn.Module): Of this project or of MMAction2, maybe wrapped.
    """
    model = unwrap_model(model)
    for name in HEADS:
        number = getattr(getattr(model, name, None), 'num_classes', None)
        if number is not None:
            return number
    return None
