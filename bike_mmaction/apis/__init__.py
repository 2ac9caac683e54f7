from .attributes import generate_attributes
from .branches import add_attributes_branch
from .toolbox import check_cfg_options, load_toolbox_tool

__all__ = [
    'add_attributes_branch', 'check_cfg_options', 'generate_attributes',
    'load_toolbox_tool'
]
