"""Remedies for MMPretrain, whose backbones configs may name."""

from typing import Optional

from .mmaction2 import has_functions_of_old_transformers
from .registry import remedy


@remedy('mmpretrain', '<=1.2.0', 'no import with transformers >= 4.57', for_import=True)
def leave_out_multimodal_backbones() -> Optional[str]:
    """As :func:`.mmaction2.leave_out_multimodal_models`."""
    import mmpretrain.utils.dependency as dependency

    if not dependency.WITH_MULTIMODAL:
        return 'transformers is not installed'
    if has_functions_of_old_transformers():
        return 'this transformers fits'
    dependency.WITH_MULTIMODAL = False
    return None
