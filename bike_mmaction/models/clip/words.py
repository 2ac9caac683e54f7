"""What the text towers of open_clip make of tokens: sentences and words.

Of every family the sentence is what open_clip's ``encode_text`` gives, not
normalised; words are what the same last layer holds at each token, through the
projection that the sentence goes through.
"""

from typing import Any

import torch
import torch.nn as nn
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import TextTransformer
from torch import Tensor

from ..sharing import variant
from ..transfer import copy_to


class NoWordsError(ValueError):
    """A text tower that gives no embeddings of words; says which."""


def embed_sentences(tower: Any, tokens: Tensor, device: torch.device) -> Tensor:
    """Sentence embeddings [K, D], as of open_clip, not normalised.

    Args:
        tower (nn.Module): Text tower of open_clip.
        tokens (Tensor): Token ids [K, N], as of a tokenizer: on the host, which
            looks at them.
        device (torch.device): Where the tower is.
    """
    length = used_length(tower, tokens)
    if length < tokens.shape[1] and isinstance(tower, TextTransformer):
        # open_clip adds its whole causal mask to whatever length.
        tower = variant(tower, attn_mask=tower.attn_mask[:length, :length])
    out = tower(copy_to(tokens[:, :length], device))
    return out[0] if isinstance(out, tuple) else out  # CoCa's has tokens too


def embed_words(tower: Any, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings of sentences and of their words, by one forward.

    Args:
        tower (nn.Module): Text tower of open_clip.
        tokens (Tensor): Token ids [K, N].

    Returns:
        tuple[Tensor, Tensor]: Sentences [K, D] and words [K, N, D].

    Raises:
        NoWordsError: if the tower gives no embeddings of its tokens.
    """
    if isinstance(tower, HFTextEncoder):
        return _of_hugging_face(tower, tokens)
    if not hasattr(tower, 'forward_intermediates'):
        raise NoWordsError(type(tower).__name__)
    out = tower.forward_intermediates(
        tokens, indices=1, normalize_intermediates=True, output_fmt='NLC'
    )
    words = out['text_intermediates'][-1]  # [K, N, width], without CoCa's CLS
    projection = tower.text_projection
    if isinstance(projection, nn.Linear):
        words = projection(words)
    elif projection is not None:
        words = words @ projection
    return out['text_features'], words


def _of_hugging_face(tower: HFTextEncoder, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """As its ``forward``, which keeps the last layer to itself, or a part of it."""
    mask = (tokens != tower.config.pad_token_id).long()
    out = tower.transformer(input_ids=tokens, attention_mask=mask)
    words = getattr(out, 'last_hidden_state', None)  # [K, N, width]
    if words is None:
        raise NoWordsError(f'{type(tower.transformer).__name__} of Hugging Face')
    return tower.proj(tower.pooler(out, mask)), tower.proj(words)


def used_length(tower: nn.Module, tokens: Tensor) -> int:
    """Positions that the sentence embeddings of some texts depend on.

    A causal tower looks back only: what follows the last end of a text can be
    left out. Towers of Hugging Face leave padding out themselves. Others, that
    look both ways or take the last position, see all.

    Args:
        tower (nn.Module): Text tower of open_clip.
        tokens (Tensor): Token ids [K, N].
    """
    total = tokens.shape[1]
    if not len(tokens):
        return total
    if isinstance(tower, HFTextEncoder):
        used = (tokens != tower.config.pad_token_id).any(dim=0).nonzero()
        return int(used.max()) + 1 if len(used) else total
    if (
        not isinstance(tower, TextTransformer)
        or tower.attn_mask is None
        or tower.cls_emb is not None
    ):
        return total
    if tower.pool_type == 'argmax':
        ends = tokens.argmax(dim=1)
    elif tower.pool_type == 'eos':
        ends = (tokens == tower.eos_id).int().argmax(dim=1)
    else:
        return total
    return int(ends.max()) + 1
