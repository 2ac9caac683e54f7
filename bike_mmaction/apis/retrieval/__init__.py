"""Videos that are found by text, and when it is in them."""

from .embedding import embed_videos
from .search import Match, VideoSearch, embed_texts, search

__all__ = ['Match', 'VideoSearch', 'embed_texts', 'embed_videos', 'search']
