from .toolbox import load_toolbox_tool

__all__ = ['load_toolbox_tool']
