"""Checkpoint files: reading, writing, converting, joining, checking."""

from ..renamed import old_names
from .conversion import Conversion
from .fit import check_fit
from .latest import has_checkpoints, newest_checkpoint
from .loaders import (
    as_mmengine,
    first_of_machine,
    load_from_http,
    load_from_local,
    read_safetensors,
)
from .merging import merge_branches
from .released import (
    ATTRIBUTES_NAMES,
    RELEASED_KEYS,
    VIDEO_NAMES,
    from_released,
    is_released,
    to_released,
)
from .saving import save_checkpoint
from .unpickling import (
    allow_own_types,
    history_buffer_globals,
    is_torchscript,
    read_pickle,
)

__all__ = [
    'ATTRIBUTES_NAMES',
    'RELEASED_KEYS',
    'VIDEO_NAMES',
    'Conversion',
    'allow_own_types',
    'as_mmengine',
    'check_fit',
    'first_of_machine',
    'from_released',
    'has_checkpoints',
    'history_buffer_globals',
    'is_released',
    'is_torchscript',
    'load_from_http',
    'load_from_local',
    'merge_branches',
    'newest_checkpoint',
    'read_pickle',
    'read_safetensors',
    'save_checkpoint',
    'to_released',
]


__getattr__ = old_names(__name__)
