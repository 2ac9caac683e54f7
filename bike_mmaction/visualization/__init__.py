from . import backend  # noqa: F401  (declares a remedy)
from .saliency import draw_saliency
from .timeline import draw_timeline
from .video import draw_overlay, write_video

__all__ = ['draw_overlay', 'draw_saliency', 'draw_timeline', 'write_video']
