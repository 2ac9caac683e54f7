"""Remedies for MMPretrain, whose backbones configs may name."""

from typing import Optional

from .mmaction2 import leave_out_multimodal
from .registry import remedy


@remedy('mmpretrain', '<=1.2.0', 'no import with transformers >= 4.57', for_import=True)
def leave_out_multimodal_backbones() -> Optional[str]:
    """As :func:`.mmaction2.leave_out_multimodal_models`."""
    import mmpretrain.utils.dependency as dependency

    return leave_out_multimodal(dependency)
