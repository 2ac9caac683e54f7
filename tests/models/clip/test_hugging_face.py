"""What goes wrong with towers and tokenizers of Hugging Face."""

import sys
from unittest import mock

import pytest
from mmaction.registry import MODELS

from bike_mmaction.models.clip import tokens
from tests.kit import models
from tests.kit.families import make_family
from tests.kit.models import TINY_ARCH


def text_encoder(arch=TINY_ARCH, **text_cfg):
    arch = dict(arch, text_cfg=dict(arch['text_cfg'], **text_cfg))
    return MODELS.build(models.text_encoder(arch=arch))


def test_faults_of_tokenizers_in_one_line(monkeypatch):
    """As transformers words them, and what is told instead."""
    missing = 'needs packages that are missing: pip install '
    for error, absent, kind, expected in (
        (
            ValueError('`tiktoken` is required to read a `tiktoken` file.'),
            ['sentencepiece', 'google.protobuf'],
            ImportError,
            f'{missing}sentencepiece protobuf',
        ),
        (
            ImportError('requires the protobuf library but it was not found'),
            ['google.protobuf'],
            ImportError,
            f'{missing}protobuf',
        ),
        (
            ImportError("cannot import name 'T5Tokenizer'"),
            [],
            ImportError,
            "needs other packages (cannot import name 'T5Tokenizer'): pip install",
        ),
        (
            OSError("We couldn't connect to the hub.\nCheck your connection"),
            [],
            RuntimeError,
            "cannot be read: We couldn't connect to the hub. Without a network, ",
        ),
        (
            ValueError("Couldn't instantiate the backend tokenizer\nfrom one of"),
            [],
            RuntimeError,
            'cannot be read: no files of a tokenizer are there. Without a ',
        ),
        (ValueError('no such option'), [], RuntimeError, 'cannot be made: Value'),
    ):
        with monkeypatch.context() as patch:
            make = mock.Mock(side_effect=error)
            patch.setattr(tokens, 'HFTokenizer', make)
            for module in absent:
                patch.setitem(sys.modules, module, None)
            with pytest.raises(kind) as caught:
                _ = text_encoder(hf_tokenizer_name='org/name').tokenizer
        message = str(caught.value)
        start = "the tokenizer 'org/name' of arch=the given dict "
        assert message.startswith(start + expected)
        assert '\n' not in message


def test_towers_that_do_not_fit(tmp_path):
    arch = make_family('roberta', tmp_path)
    (tmp_path / 'gpt2').mkdir()
    (tmp_path / 'gpt2' / 'config.json').write_text('{"model_type": "gpt2"}')
    for options, expected in (
        (dict(hf_model_name=str(tmp_path / 'gpt2')), "of the type 'gpt2'.*'mt5'"),
        (dict(hf_model_name='/nowhere'), "'/nowhere' .*: no such folder$"),
        (dict(hf_proj_type=None), 'hf_proj_type=None makes no projection'),
        (dict(hf_pooler_type='max_pooler'), "'max_pooler' fails in open_clip"),
        (dict(context_length=97), 'context_length=97, but .* 96 positions'),
    ):
        with pytest.raises((ValueError, RuntimeError), match=expected):
            text_encoder(arch, **options)
