from .toolbox import check_cfg_options, load_toolbox_tool

__all__ = ['check_cfg_options', 'load_toolbox_tool']
