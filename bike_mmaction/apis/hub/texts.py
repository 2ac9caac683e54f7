"""Tokenizers and text towers of Hugging Face that travel with a shared model.

Their files can name code of a stranger, other repositories and other files.
So only a tokenizer of the fast kind travels, which is a table, and of configs
only plain values.
"""

import os
import os.path as osp
import re
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

import torch.nn as nn

from ...errors import SharedModelError
from ...files import write_json
from ...models.text_head import TextHead
from ...text_files import read_json, shorten
from .allowed import most_of
from .content import (
    MOST_BYTES,
    MOST_BYTES_OF_TOKENIZER,
    TOKENIZER,
    TOKENIZER_FILES,
    TOWER,
    TOWER_FILE,
    read_object,
    refuse,
)

_TABLE, _OPTIONS = TOKENIZER_FILES
# Of a tokenizer's options; those that end so are single tokens.
_TOKEN = '_token'
_TOKENIZER_KEYS = (
    'tokenizer_class added_tokens_decoder additional_special_tokens '
    'extra_special_tokens model_max_length padding_side truncation_side '
    'clean_up_tokenization_spaces add_prefix_space do_lower_case strip_accents '
    'tokenize_chinese_chars split_special_tokens trim_offsets extra_ids src_lang '
    'tgt_lang legacy add_bos_token add_eos_token backend'
).split()
# Of towers: what would choose other code, or change what a tower returns.
_TOWER_NOT = re.compile(
    '_.*|auto_map|quantization.*|.*implementation|output_.*|torchscript|return_dict'
)
_WORD = re.compile(r'[A-Za-z0-9_][\w+-]{0,99}')


def check_tokenizer(folder: str) -> None:
    """Refuse a tokenizer that is more than a table and plain options.

    Raises:
        SharedModelError: naming the file and what is wrong.
    """
    _check_alone(folder, TOKENIZER, TOKENIZER_FILES)
    read_object(folder, _TABLE, MOST_BYTES_OF_TOKENIZER)
    for key, value in read_object(folder, _OPTIONS, MOST_BYTES).items():
        problem = _problem_of_option(key, value)
        if problem:
            refuse(folder, _OPTIONS, problem)


def _problem_of_option(key: str, value: Any) -> str:
    if key == 'tokenizer_class':
        if not isinstance(value, str) or not value.isidentifier():
            return f'{key}={shorten(value)} is no name of a class'
    elif key == 'extra_ids' and not (isinstance(value, int) and value <= most_of(key)):
        return f'{key}={shorten(value)} is no number up to {most_of(key)}'
    elif key not in _TOKENIZER_KEYS and not key.endswith(_TOKEN):
        return f'the option {shorten(key)} is not allowed in a shared model'
    return ''


def check_tokens(folder: str, recognizer: nn.Module) -> None:
    """Refuse tokenizers that cannot be made, or do not fit their text towers.

    Args:
        folder (str): Of the shared model.
        recognizer (nn.Module): Its tensors need no content.

    Raises:
        SharedModelError: naming the file and what is wrong.
    """
    for head in recognizer.modules():
        if not isinstance(head, TextHead):
            continue
        encoder = head.text_encoder
        if not encoder.config['text_cfg'].get('hf_tokenizer_name'):
            continue
        try:
            if not encoder.tokenizer.tokenizer.is_fast:
                raise ValueError('it is not of the fast kind')
            largest = int(encoder.tokenize(head.prompts()).max())
        except Exception as error:
            refuse(folder, _TABLE, f'is no tokenizer that can be used: {error}')
        if not largest < encoder.text.vocab_size:
            refuse(
                folder,
                _TABLE,
                f'its token {largest} is none of the {encoder.text.vocab_size} of the '
                'text tower',
            )


def check_tower(folder: str) -> None:
    """Refuse the config of a text tower that has more than plain values.

    Raises:
        SharedModelError: naming the file and what is wrong.
    """
    from open_clip.hf_configs import arch_dict

    _check_alone(folder, TOWER, (TOWER_FILE,))
    config = read_object(folder, TOWER_FILE, MOST_BYTES)
    if config.get('model_type') not in arch_dict:
        refuse(
            folder,
            TOWER_FILE,
            f'model_type={shorten(config.get("model_type"))} is none of those that '
            f'open_clip knows: {", ".join(arch_dict)}',
        )
    for key, value in config.items():
        if not _is_plain(key, value):
            refuse(
                folder,
                TOWER_FILE,
                f'{shorten(key)}: {shorten(value)} is not allowed in a shared model',
            )


def _is_plain(key: str, value: Any) -> bool:
    """Whether an option of a text tower is a number, a flag or a word."""
    if _TOWER_NOT.fullmatch(key) or not key.isidentifier():
        return False
    if isinstance(value, str):
        return bool(_WORD.fullmatch(value))
    if isinstance(value, (int, float)):
        return abs(value) <= most_of(key)
    return value is None


def _check_alone(folder: str, part: str, known: Sequence[str]) -> None:
    """Other files there would be read too."""
    place = osp.join(folder, part)
    names = os.listdir(place) if osp.isdir(place) else []
    surplus = sorted({f'{part}/{name}' for name in names} - set(known))
    if surplus:
        refuse(folder, surplus[0], 'has no place in a shared model: remove it')


def save_tokenizer(tokenizer: Any, folder: str, texts: Sequence[str]) -> list[str]:
    """Write a tokenizer of Hugging Face.

    Args:
        tokenizer: open_clip's, around that of Hugging Face.
        folder (str): Of the shared model.
        texts (Sequence[str]): Which the written one must cut alike.

    Returns:
        list[str]: The names of the files.

    Raises:
        SharedModelError: if it is of the slow kind, or what is written is another one.
    """
    inner = tokenizer.tokenizer
    with tempfile.TemporaryDirectory() as draft:
        inner.save_pretrained(draft)
        table, options = (osp.join(draft, osp.basename(f)) for f in TOKENIZER_FILES)
        if not osp.isfile(table):
            raise SharedModelError(
                f'the tokenizer {type(inner).__name__} cannot be shared: it has no '
                f'{osp.basename(table)}, as the fast ones of Hugging Face have'
            )
        kept = {
            key: value
            for key, value in read_json(options).items()
            if not _problem_of_option(key, value)
        }
        os.makedirs(osp.join(folder, TOKENIZER), exist_ok=True)
        shutil.copyfile(table, osp.join(folder, _TABLE))
    write_json(osp.join(folder, _OPTIONS), kept)
    again = type(inner).from_pretrained(osp.join(folder, TOKENIZER))
    if again(list(texts)).input_ids != inner(list(texts)).input_ids:
        raise SharedModelError(
            f'the tokenizer {type(inner).__name__} cannot be shared: what is written '
            'of it cuts the class names otherwise'
        )
    return list(TOKENIZER_FILES)


def save_tower(config: Any, folder: str) -> list[str]:
    """Write the config of a text tower of Hugging Face.

    Args:
        config (PretrainedConfig): Of the package transformers.
        folder (str): Of the shared model.

    Returns:
        list[str]: The names of the files.
    """
    kept = {key: v for key, v in config.to_dict().items() if _is_plain(key, v)}
    write_json(osp.join(folder, TOWER_FILE), kept)
    return [TOWER_FILE]
