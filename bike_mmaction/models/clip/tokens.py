"""open_clip's tokenizers, and texts that are too long for them, or alike to them."""

import logging
from collections.abc import Sequence
from typing import Any, Optional

import open_clip
from mmengine.logging import print_log
from open_clip.tokenizer import HFTokenizer
from torch import Tensor

from ..sharing import Recent
from .architectures import CONTEXT, Arch, arch_name
from .hugging_face import ONE_AT_A_TIME, TOKENIZER_CURE, hugging_face_fault

SHOWN = 3  # texts, in a message
START, END = 70, 25  # characters of each


class TextTokens:
    """Token ids of texts, and a warning of those that are too long, or alike.

    Args:
        arch (str | dict): See :func:`.get_arch`.
        config (dict): What :func:`.get_arch` makes of it.
        max_kept (int): Sets of texts whose tokens are kept.
    """

    def __init__(self, arch: Arch, config: dict, max_kept: int) -> None:
        self.arch = arch
        self.config = config
        self._tokenizer = None
        self._kept = Recent(max_kept)
        self._warned: set[Optional[int]] = set()  # of which sets, by hash

    @property
    def tokenizer(self) -> Any:
        """open_clip's, made when it is first needed."""
        if self._tokenizer is None:
            self._tokenizer = build_tokenizer(self.arch, self.config)
        return self._tokenizer

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids [K, N]; of a longer text the end is cut."""
        with ONE_AT_A_TIME:
            return self.tokenizer(list(texts))

    def count(self, text: str) -> int:
        """Number of tokens of a text, without those added around it."""
        return count_tokens(self.tokenizer, text)

    def __call__(self, texts: Sequence[str], keep: bool) -> Tensor:
        """As :meth:`tokenize`, with a warning of texts that are cut, and of others
        that have the same tokens.

        Args:
            texts (Sequence[str]): K texts.
            keep (bool): Whether the same texts will come again. The warning
                comes once for each such set, once for all other texts.
        """
        if keep:
            key = tuple(texts)
            return self._kept.get(key, lambda: self._checked(texts, hash(key)))
        return self.tokenize(texts) if None in self._warned else self._checked(texts)

    def _checked(self, texts: Sequence[str], name: Optional[int] = None) -> Tensor:
        tokens = self.tokenize(texts)
        cut = find_cut(self.tokenizer, texts, tokens)
        if cut and name not in self._warned:
            self._warned.add(name)
            message = describe_cut(cut, len(texts), self.arch, tokens.shape[1])
            if name is None:
                message += '. Others that follow are not told'
            print_log(message, 'current', logging.WARNING)
        alike = find_alike(texts, tokens) if name is not None else []
        if alike:
            message = describe_alike(alike, self.arch)
            print_log(message, 'current', logging.WARNING)
        return tokens


def build_tokenizer(arch: Arch, config: dict):
    """The tokenizer of an architecture, as open_clip chooses it.

    Args:
        arch (str | dict): See :func:`.get_arch`.
        config (dict): What :func:`.get_arch` makes of it.

    Raises:
        ImportError: if it is one of Hugging Face, and needs a package that is
            missing.
        RuntimeError: if it cannot be read or made.
    """
    text_cfg = config['text_cfg']
    name = text_cfg.get('hf_tokenizer_name')
    try:
        tokenizer = _make_tokenizer(arch, text_cfg)
        inner = getattr(tokenizer, 'tokenizer', None)
        if inner is not None:  # of Hugging Face
            _keep_language(inner, text_cfg)
            if not hasattr(inner, 'batch_encode_plus'):
                # transformers 5 has it no more, and open_clip 3.0 calls it
                inner.batch_encode_plus = inner.__call__
        return tokenizer
    except Exception as error:
        fault = None
        if name:
            what = f"the tokenizer '{name}' of arch={arch_name(arch)}"
            fault = hugging_face_fault(what, name, error, TOKENIZER_CURE)
        # Never AttributeError, which nn.Module would blame on its caller.
        raise fault or RuntimeError(
            f"the tokenizer '{name or 'SimpleTokenizer'}' of "
            f'arch={arch_name(arch)} cannot be made: '
            f'{type(error).__name__}: {error}'
        ) from error


def _make_tokenizer(arch: Arch, text_cfg: dict) -> Any:
    if isinstance(arch, str):
        return open_clip.get_tokenizer(arch)
    options = dict(
        context_length=text_cfg.get('context_length', CONTEXT),
        **text_cfg.get('tokenizer_kwargs') or {},
    )
    name = text_cfg.get('hf_tokenizer_name')
    if not name:
        return open_clip.SimpleTokenizer(**options)
    return HFTokenizer(name, tokenizer_mode=text_cfg.get('tokenizer_mode'), **options)


def _keep_language(inner: Any, text_cfg: dict) -> None:
    """Set the language of NLLB's tokenizer for good.

    open_clip sets it so that each call sets it back, where it calls the tokenizer
    as newer versions do.
    """
    language = (text_cfg.get('tokenizer_kwargs') or {}).get('language')
    if language is None or not hasattr(inner, 'src_lang'):
        return
    if inner.convert_tokens_to_ids(language) == inner.unk_token_id:
        raise ValueError(
            f'tokenizer_kwargs.language={language!r} is no language of it; it names '
            "them as 'eng_Latn'"
        )
    inner.src_lang = language


def count_tokens(tokenizer, text: str) -> int:
    """Number of tokens of a text, without those added around it."""
    if hasattr(tokenizer, 'encode'):
        return len(tokenizer.encode(text))
    text = tokenizer.clean_fn(text)  # of Hugging Face
    with ONE_AT_A_TIME:
        return len(tokenizer.tokenizer(text, add_special_tokens=False).input_ids)


def find_cut(tokenizer, texts: Sequence[str], tokens: Tensor) -> list[tuple[str, int]]:
    """Texts that are longer than their tokens.

    Args:
        tokenizer: Of open_clip.
        texts (Sequence[str]): K texts.
        tokens (Tensor): What it made of them, [K, N].

    Returns:
        list[tuple[str, int]]: Those whose end is cut, with the number of
        tokens that the whole has, those around it included.
    """
    inner = getattr(tokenizer, 'tokenizer', None)  # of Hugging Face
    padding, added = 0, 2
    if inner is not None:
        padding, added = inner.pad_token_id, inner.num_special_tokens_to_add()
        if tokenizer.tokenizer_mode == 'clips':
            added = 3
    # Only these rows are full: to count is slow. The last column may be
    # empty or not in any case.
    full = (tokens[:, -2] != padding).nonzero().flatten().tolist()
    counts = [(texts[i], count_tokens(tokenizer, texts[i]) + added) for i in full]
    return [(text, count) for text, count in counts if count > tokens.shape[1]]


def find_alike(texts: Sequence[str], tokens: Tensor) -> list[tuple[str, str]]:
    """Texts that are others, but not for the text tower.

    Tokenizers leave out capitals, and some signs: SigLIP's takes 'C++' for 'c'.

    Args:
        texts (Sequence[str]): K texts.
        tokens (Tensor): What a tokenizer made of them, [K, N].

    Returns:
        list[tuple[str, str]]: Each with the first that has its tokens.
    """
    first: dict[bytes, str] = {}
    rows = (row.tobytes() for row in tokens.cpu().numpy())
    pairs = [(first.setdefault(row, text), text) for row, text in zip(rows, texts)]
    return [(one, other) for one, other in pairs if one != other]


def describe_alike(alike: Sequence[tuple[str, str]], arch: Arch) -> str:
    """What to tell of texts with the same tokens."""
    listed = ', '.join(
        f"'{_middle_out(one)}' and '{_middle_out(other)}'"
        for one, other in alike[:SHOWN]
    )
    more = ', ...' if len(alike) > SHOWN else ''
    return (
        f'texts that are the same for the text encoder of arch={arch_name(arch)}, and '
        f'so have the same scores: {listed}{more}. Name them in other words'
    )


def describe_cut(
    cut: Sequence[tuple[str, int]], total: int, arch: Arch, length: int
) -> str:
    """What to tell of texts that are cut."""
    listed = ', '.join(
        f"'{_middle_out(text)}' ({count} tokens)" for text, count in cut[:SHOWN]
    )
    more = ', ...' if len(cut) > SHOWN else ''
    return (
        f'{len(cut)} of {total} texts are longer than the {length} tokens '
        f'that the text encoder of arch={arch_name(arch)} reads, and are '
        f'cut at their end: {listed}{more}'
    )


def _middle_out(text: str) -> str:
    text = ' '.join(text.split())
    if len(text) <= START + END + 5:
        return text
    return f'{text[:START]} ... {text[-END:]}'
