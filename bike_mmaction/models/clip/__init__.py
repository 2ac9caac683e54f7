"""The two towers of any image-text model that open_clip knows."""

from .image_encoder import CLIPImageEncoder
from .text_encoder import CLIPTextEncoder

__all__ = ['CLIPImageEncoder', 'CLIPTextEncoder']
