from .attributes import generate_attributes
from .toolbox import check_cfg_options, load_toolbox_tool

__all__ = ['check_cfg_options', 'generate_attributes', 'load_toolbox_tool']
