"""The model inside of what MMEngine puts around it."""

from typing import cast

import torch.nn as nn
from mmengine.model import is_model_wrapper


def unwrap_model(model: nn.Module) -> nn.Module:
    """The model itself, such as that of a ``DistributedDataParallel``.

    Args:
        model (nn.Module): Wrapped by MMEngine, or not.
    """
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model
