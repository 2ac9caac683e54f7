"""Which token positions of a text give word embeddings (section 2.3)."""

from collections.abc import Sequence

import torch
from open_clip import SimpleTokenizer
from torch import Tensor

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
        words (str): 'sentence', from start to end of the text, or 'name',
            the tokens of the class name itself.

    Returns:
        Tensor: Bool [P·K, N], the classes of one prompt after the other.

    Raises:
        ValueError: if the tokenizer is not CLIP's own, or a prompt leaves no
            room for the class name.
    """
    if not isinstance(tokens.tokenizer, SimpleTokenizer):
        raise ValueError(
            f"words='{words}' needs CLIP's own tokenizer, but this "
            f'arch has a {type(tokens.tokenizer).__name__}; use '
            "words='all'"
        )
    ids = tokens.tokenize(fill_prompts(prompts, names))  # [P·K, N]
    positions = torch.arange(ids.shape[1])
    # Of CLIP's tokens the end of the text has the largest id.
    end = ids.argmax(dim=1, keepdim=True)
    if words == 'sentence':
        return positions <= end
    parts = [prompt.split('{}') for prompt in prompts]
    before, after = (
        torch.tensor([tokens.count(part) for part in column])[
            :, None
        ].repeat_interleave(len(names), dim=0)
        for column in zip(*parts)
    )  # [P·K, 1]
    first, last = 1 + before, end - after
    if int(first.max()) >= ids.shape[1]:
        prompt = prompts[0] if len(prompts) == 1 else list(prompts)
        raise ValueError(
            f"words='name' of prompt={prompt!r}: its "
            f'{int(before.max())} tokens before the class name leave no '
            f'room in the context of {ids.shape[1]}'
        )
    return (positions >= first) & (positions < torch.maximum(last, first + 1))


def fill_prompts(prompts: Sequence[str], names: Sequence[str]) -> list[str]:
    """The sentence of each class, for one prompt after the other."""
    return [prompt.replace('{}', name) for prompt in prompts for name in names]
