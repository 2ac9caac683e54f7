from .saliency import draw_saliency

__all__ = ['draw_saliency']
