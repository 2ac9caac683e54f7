"""Which token positions of a text give word embeddings (section 2.3)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..transfer import copy_to
from .architectures import arch_name
from .spans import gives_spans, name_span, read_spans
from .tokens import TextTokens

WORDS = ('all', 'sentence', 'name')


def word_positions(
    tokens: TextTokens, prompts: Sequence[str], names: Sequence[str], words: str
) -> Tensor:
    """The token positions of each class that count.

    Args:
        tokens (TextTokens): Of the text encoder.
        prompts (Sequence[str]): P sentences with ``{}`` for the class name.
        names (Sequence[str]): Of the K classes.
        words (str): 'sentence', from start to end of the text, without the
            padding; 'name', the tokens that stand for some of the class name
            at the place of ``{}``.

    Returns:
        Tensor: Bool [P·K, N], the classes of one prompt after the other.

    Raises:
        ValueError: if the tokenizer does not tell what its tokens stand for,
            or a sentence has no token of its class name.
    """
    if words == 'name' and not gives_spans(tokens.tokenizer):
        raise ValueError(
            f"words='name' needs to know which characters each token stands for, "
            f'and {_why_unknown(tokens)}'
        )
    reading = read_spans(tokens.tokenizer, fill_prompts(prompts, names))
    if words == 'sentence':
        return reading.is_text
    pairs = [(prompt, name) for prompt in prompts for name in names]
    places = torch.tensor([_place_of_name(tokens, *pair) for pair in pairs])  # [P·K, 2]
    first, end = places[:, :1], places[:, 1:]
    mask = (reading.spans[..., 0] < end) & (reading.spans[..., 1] > first)
    mask &= reading.is_text
    absent = (~mask.any(dim=1)).nonzero().flatten().tolist()
    if absent:
        prompt, name = pairs[absent[0]]
        is_text = reading.is_text[absent[0]]
        raise ValueError(_why_absent(tokens, prompt, name, is_text))
    return mask


def without_gaps(words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Words that count come first, in their order; places that no class needs are
    left out, as each costs as much.

    Args:
        words (Tensor): Embeddings [K, N, D], on any device.
        mask (Tensor): Bool [K, N], which of them count; on the host.

    Returns:
        tuple[Tensor, Tensor]: Embeddings [K, Q, D] and mask [K, Q], beside them.
    """
    counts = mask.sum(dim=1)
    longest = int(counts.max())
    places = (~mask).int().argsort(dim=1, stable=True)[:, :longest]  # [K, Q]
    kept = torch.arange(longest) < counts[:, None]
    places, kept = copy_to(places, words.device), copy_to(kept, words.device)
    return words.take_along_dim(places[..., None], dim=1), kept


def fill_prompts(prompts: Sequence[str], names: Sequence[str]) -> list[str]:
    """The sentence of each class, for one prompt after the other."""
    return [prompt.replace('{}', name) for prompt in prompts for name in names]


def _place_of_name(tokens: TextTokens, prompt: str, name: str) -> tuple[int, int]:
    before, after = prompt.split('{}')
    place = name_span(tokens.tokenizer, before, name, after)
    if place is None:
        raise ValueError(
            f"words='name': nothing is left of the class name {name!r} when the "
            f'tokenizer of arch={arch_name(tokens.arch)} has cleaned it; give the '
            "class another name, or use words='sentence'"
        )
    return place


def _why_unknown(tokens: TextTokens) -> str:
    tokenizer, arch = tokens.tokenizer, arch_name(tokens.arch)
    if hasattr(tokenizer, 'reduction_fn'):
        return (
            f'the tokenizer of arch={arch} drops tokens at random '
            '(text_cfg.tokenizer_kwargs.reduction_mask); leave that option out, or '
            "use words='sentence'"
        )
    return (
        f'the {type(tokenizer.tokenizer).__name__} of arch={arch} does not tell, as '
        'it is not of the package tokenizers; name a folder with a tokenizer.json '
        "in text_cfg.hf_tokenizer_name, or use words='sentence'"
    )


def _why_absent(tokens: TextTokens, prompt: str, name: str, is_text: Tensor) -> str:
    before, length = tokens.count(prompt.split('{}')[0]), len(is_text)
    if int(is_text.sum()) < length - 1:  # nothing is cut
        return (
            f"words='name': the tokenizer of arch={arch_name(tokens.arch)} has no "
            f'token for the class name {name!r}; give the class another name, or '
            "use words='sentence'"
        )
    return (
        f"words='name' of prompt={prompt!r}: its {before} tokens before the class "
        f'name leave no room in the context of {length}'
    )
