"""What is in videos: read, recognized, drawn and written."""

from .inferencer import BIKEInferencer
from .pictures import ResultWriter, draw_recognition
from .recognition import Recognition, describe

__all__ = [
    'BIKEInferencer',
    'Recognition',
    'ResultWriter',
    'describe',
    'draw_recognition',
]
