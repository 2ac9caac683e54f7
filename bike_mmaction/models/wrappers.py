"""The model inside of what MMEngine puts around it, and what it tells."""

from typing import Optional, cast

import torch.nn as nn
from mmengine.model import is_model_wrapper

from ..datasets.class_names import HEADS


def unwrap_model(model: nn.Module) -> nn.Module:
    """The model itself, such as that of a ``DistributedDataParallel``.

    Args:
        model (nn.Module): Wrapped by MMEngine, or not.
    """
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model


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
