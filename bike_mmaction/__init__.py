"""BIKE for MMAction2: importing this package registers its components.

Bidirectional Cross-Modal Knowledge Exploration for Video Recognition with
Pre-trained Vision-Language Models, CVPR 2023, arXiv:2301.00182.
"""

from .compat import apply_remedies, check_versions
from .moved_configs import keep_old_configs
from .renamed import keep_old_modules
from .shipped import find_shipped_bases
from .version import __version__

check_versions()
keep_old_modules()
keep_old_configs()
find_shipped_bases()

from . import checkpoint, visualization  # which declare remedies too

apply_remedies()  # must come before the first import of mmaction.models

from . import datasets, evaluation, models, training

__all__ = ['__version__']
