"""Remedies for mmcv."""

import warnings

from .registry import remedy


@remedy('mmcv-lite', '<2.2.0', 'warns at import of operations that it does not have')
def silence_absent_operations() -> None:
    """mmcv-lite is what this project needs; no one here asks for its ops."""
    warnings.filterwarnings(
        'ignore',
        'Fail to import ``MultiScaleDeformableAttention``',
        UserWarning,
        r'mmcv\.cnn\.bricks\.transformer',
    )
