"""From clips of one's own to a data folder, and from that to a model."""

from .clips import OwnData
from .preparing import prepare_data

__all__ = ['OwnData', 'prepare_data']
