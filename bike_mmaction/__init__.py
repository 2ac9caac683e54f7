"""BIKE for MMAction2: importing this package registers its components.

Bidirectional Cross-Modal Knowledge Exploration for Video Recognition with
Pre-trained Vision-Language Models, CVPR 2023, arXiv:2301.00182.
"""

from .compat import check_versions, patch_toolbox
from .version import __version__

check_versions()
patch_toolbox()  # must come before the first import of mmaction.models

from . import datasets, evaluation, models, training  # noqa: E402,F401

__all__ = ['__version__']
