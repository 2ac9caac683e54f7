"""What other packages do wrong, and the remedies.

The only rooms that know faults of other packages are this one, with a file
for each package, and the remedies that need a room of this project and are
declared there (``checkpoint/loaders.py``, ``visualization/backend.py``).
``python -m bike_mmaction.compat`` lists them all.
"""

from ..renamed import old_names

# In the order in which they are applied: MMAction2's models can be imported
# only after its remedies.
from . import mmcv, mmaction2, mmaction2_lists, mmaction2_tools  # isort: skip
from . import mmengine_deepspeed, mmpretrain, pyav  # isort: skip
from . import mmengine, mmengine_messages, mmengine_ranks, torch  # isort: skip
from .mmengine import leave_process_group
from .registry import Remedy, apply_remedies, remedies, remedy, replace
from .versions import check_versions, installed_version, torch_version

__all__ = [
    'Remedy',
    'apply_remedies',
    'check_versions',
    'installed_version',
    'leave_process_group',
    'mmaction2',
    'mmaction2_lists',
    'mmaction2_tools',
    'mmcv',
    'mmengine',
    'mmengine_deepspeed',
    'mmengine_messages',
    'mmengine_ranks',
    'mmpretrain',
    'pyav',
    'remedies',
    'remedy',
    'replace',
    'torch',
    'torch_version',
]

__getattr__ = old_names(__name__)
