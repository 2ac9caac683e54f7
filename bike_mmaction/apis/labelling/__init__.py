"""Labels of many videos, in tables and for other programs."""

from .exports import convert_labels
from .labelling import label_videos

__all__ = ['convert_labels', 'label_videos']
