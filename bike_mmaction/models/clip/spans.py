"""Which characters of a text each of its tokens stands for."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Optional

import torch
from open_clip import SimpleTokenizer
from torch import Tensor

from .hugging_face import ONE_AT_A_TIME


class TokenSpans(NamedTuple):
    """How a tokenizer reads K texts, at N positions each.

    Attributes:
        is_text (Tensor): Bool [K, N], from the first token to the end of the
            text: all but padding.
        spans (Tensor): [K, N, 2], the first character of each token in the
            cleaned text and the one after its last; equal where it stands for
            none, as at special tokens and padding.
    """

    is_text: Tensor
    spans: Tensor


def gives_spans(tokenizer: Any) -> bool:
    """Whether a tokenizer of open_clip tells what its tokens stand for."""
    if isinstance(tokenizer, SimpleTokenizer):
        return tokenizer.reduction_fn is None  # which drops tokens at random
    return bool(getattr(tokenizer.tokenizer, 'is_fast', False))


def read_spans(tokenizer: Any, texts: Sequence[str]) -> TokenSpans:
    """Read texts as a tokenizer of open_clip does when it is called.

    Args:
        tokenizer: Of open_clip, CLIP's own or one of Hugging Face.
        texts (Sequence[str]): K texts.

    Returns:
        TokenSpans: With empty spans, if it does not tell them.
    """
    if isinstance(tokenizer, SimpleTokenizer):
        return _of_clip(tokenizer, texts)
    cleaned = [tokenizer.clean_fn(text) for text in texts]
    is_clips = tokenizer.tokenizer_mode == 'clips'
    with ONE_AT_A_TIME:
        return (_of_clips if is_clips else _of_hugging_face)(tokenizer, cleaned)


def name_span(
    tokenizer: Any, before: str, name: str, after: str
) -> Optional[tuple[int, int]]:
    """Where a name is in a text, once the tokenizer has cleaned it.

    Cleaning may change letters, drop them, or join words that are apart by
    several spaces. It does so to each part of a text by itself, as to the whole,
    but for spaces, which are not counted here.

    Args:
        tokenizer: Of open_clip.
        before (str): The text before the name.
        name (str): The name.
        after (str): The text after it.

    Returns:
        tuple[int, int], optional: Its first character and the one after its
        last; None if nothing is left of it.
    """
    text = tokenizer.clean_fn(before + name + after)
    letters = [place for place, letter in enumerate(text) if not letter.isspace()]
    first, rest = (
        sum(not letter.isspace() for letter in tokenizer.clean_fn(part))
        for part in (before, after)
    )
    own = letters[first : len(letters) - rest]
    return (own[0], own[-1] + 1) if own else None


def _of_clip(tokenizer: SimpleTokenizer, texts: Sequence[str]) -> TokenSpans:
    tokens = tokenizer(list(texts))  # [K, N]
    length = tokens.shape[1]
    # Of CLIP's tokens the end of the text has the largest id.
    is_text = torch.arange(length) <= tokens.argmax(dim=1, keepdim=True)
    if not gives_spans(tokenizer):
        return TokenSpans(is_text, torch.zeros(*tokens.shape, 2, dtype=torch.long))
    inner = [list(_pieces(tokenizer, tokenizer.clean_fn(text))) for text in texts]
    return TokenSpans(is_text, _after_a_start(inner, length, kept=length - 2))


def _pieces(tokenizer: SimpleTokenizer, text: str) -> Iterator[tuple[int, int]]:
    """As its ``encode``, which goes over words, and over pieces of their bytes."""
    for match in tokenizer.pat.finditer(text):
        word = match.group()
        characters = [  # of each byte
            place
            for place, letter in enumerate(word, match.start())
            for _ in letter.encode()
        ]
        coded = ''.join(tokenizer.byte_encoder[byte] for byte in word.encode())
        first = 0
        for piece in tokenizer.bpe(coded).split(' '):
            end = first + len(piece.removesuffix('</w>'))
            yield characters[first], characters[end - 1] + 1
            first = end


def _of_hugging_face(tokenizer: Any, cleaned: list[str]) -> TokenSpans:
    inner = tokenizer.tokenizer
    out = inner(
        cleaned,
        max_length=tokenizer.context_length,
        padding='max_length',
        truncation=True,
        return_attention_mask=True,
        return_offsets_mapping=gives_spans(tokenizer),
        return_tensors='pt',
    )
    # Not by the id of padding, which may be that of the end too.
    is_text = out['attention_mask'].bool()
    if tokenizer.strip_sep_token:  # open_clip makes padding of it
        is_text &= out['input_ids'] != inner.sep_token_id
    spans = out.get('offset_mapping', is_text.new_zeros(*is_text.shape, 2).long())
    return TokenSpans(is_text, spans)


def _of_clips(tokenizer: Any, cleaned: list[str]) -> TokenSpans:
    """Of the mode 'clips': start, text, end, padding, and at the last place CLS."""
    length = tokenizer.context_length
    out = tokenizer.tokenizer(
        cleaned, add_special_tokens=False, return_offsets_mapping=gives_spans(tokenizer)
    )
    counts = torch.tensor([len(ids) for ids in out['input_ids']])[:, None]
    is_text = torch.arange(length) < counts.clamp(max=length - 3) + 2
    offsets = out.get('offset_mapping', [[] for _ in cleaned])
    return TokenSpans(is_text, _after_a_start(offsets, length, kept=length - 3))


def _after_a_start(
    rows: Sequence[Sequence[tuple[int, int]]], length: int, kept: int
) -> Tensor:
    """Spans [K, N, 2] of texts, whose first position is that of a special token."""
    spans = torch.zeros(len(rows), length, 2, dtype=torch.long)
    for row, of_text in enumerate(rows):
        if of_text:
            values = torch.tensor(of_text[:kept])
            spans[row, 1 : 1 + len(values)] = values
    return spans
