"""Tokenizers of open_clip, and texts that are too long for them."""

import ast
import copy
import glob
import importlib
import logging
import os.path as osp
import re
import sys

import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.logging import MMLogger

import bike_mmaction
from tests.kit import models
from tests.kit.models import TINY_ARCH

LONG = 'walking a dog that ' + 'runs and runs and ' * 20 + 'sleeps'


def text_encoder(arch=TINY_ARCH, **text_cfg):
    if text_cfg:
        arch = dict(arch, text_cfg=dict(arch['text_cfg'], **text_cfg))
    return MODELS.build(models.text_encoder(arch=arch))


def head(names, **kwargs):
    return MODELS.build(models.vcs_head(names, **kwargs)).eval()


@pytest.fixture
def logged():
    """Warnings of the log that a user sees."""
    results = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: results.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield results
    logger.removeHandler(handler)


def test_names_that_are_alike_for_the_tokenizer_are_told(logged):
    """Once; texts that are cut before they differ are so too."""
    names = ['a dog', 'A  dog', 'yoga', f'{LONG} {LONG} one', f'{LONG} {LONG} two']
    model = head(names)
    for _ in range(2):
        model(torch.randn(2, 4, 64))
    cut, alike = logged
    assert "about a dog' and 'This is a video about A dog'" in alike
    assert alike.count("' and '") == 2 and 'yoga' not in alike


class TestCutTexts:
    def test_class_names_once_a_set(self, logged):
        model = head(['a dog', LONG, 'yoga'])
        for _ in range(2):
            model(torch.randn(2, 4, 64))
            model.embed_classes(with_words=False)
        assert len(logged) == 1
        assert '1 of 3 texts are longer than the 77 tokens' in logged[0]
        assert 'walking a dog that runs' in logged[0]
        count = len(open_clip.SimpleTokenizer().encode(LONG)) + 2 + 5
        assert f"sleeps' ({count} tokens)" in logged[0]
        model.text_encoder.clear_cache()  # as by a checkpoint
        model(torch.randn(2, 4, 64))
        model.set_class_names(['a', 'b'])
        model(torch.randn(2, 4, 64))
        assert len(logged) == 1
        model.with_classes([f'{i} {LONG}' for i in range(9)]).embed_classes(
            with_words=True
        )
        assert len(logged) == 2 and '9 of 9 texts' in logged[1]
        assert logged[1].count('tokens)') == 3

    def test_just_long_enough(self, logged):
        """72 words make 77 tokens with the prompt's five, start and end."""
        encoder = text_encoder()
        fits, cut = (' '.join(['dog'] * n) for n in (75, 76))
        encoder([fits], with_words=False)
        assert not logged
        encoder([fits, cut], with_words=True)
        assert '1 of 2 texts' in logged[0] and '(78 tokens)' in logged[0]

    def test_by_a_prompt(self, logged):
        model = head(['a dog', 'yoga'], prompt=['{}', LONG + ' {}'])
        model(torch.randn(1, 4, 64))
        assert '2 of 4 texts' in logged[0]
        model = head(['a dog', 'yoga'], prompt=LONG + ' {}', words='name')
        with pytest.raises(ValueError, match='leave no room .* of 77'):
            model(torch.randn(1, 4, 64))

    @pytest.mark.parametrize('trained', [False, True])
    def test_attribute_sentences_once(self, logged, trained):
        model = MODELS.build(
            dict(
                type='AttributesTextHead',
                num_classes=2,
                class_names=['a', 'b'],
                text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
                attributes_encoder=dict(
                    type='CLIPTextEncoder', arch=TINY_ARCH, frozen=False
                ),
            )
        )
        model.train(trained)
        long = [f'a phrase of number {i}' for i in range(30)]
        model([['a', 'b']])
        assert not logged
        for _ in range(3):
            model([['a'], long, long])
        assert len(logged) == 1
        assert '2 of 3 texts' in logged[0] and 'number 29' in logged[0]
        assert 'Others that follow are not told' in logged[0]


class TestTokenizers:
    def test_missing_package_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, 'transformers', None)
        encoder = text_encoder(hf_tokenizer_name='bert-base-uncased')
        with pytest.raises(
            ImportError, match="'bert-base-uncased'.*pip install transformers"
        ):
            encoder(['a dog'], with_words=False)
        encoder = text_encoder('ViT-B-16-SigLIP')
        with pytest.raises(ImportError, match='pip install transformers'):
            _ = encoder.tokenizer
        monkeypatch.setattr(open_clip.hf_model, 'transformers', None)
        with pytest.raises(ImportError, match='text_cfg .*pip install trans'):
            text_encoder(hf_model_name='bert-base-uncased')

    def test_faults_are_not_blamed_on_the_caller(self):
        encoder = text_encoder(tokenizer_kwargs=dict(clean='nosuch'))
        with pytest.raises(RuntimeError, match='SimpleTokenizer.*cannot be'):
            _ = encoder.tokenizer

    def test_options_of_the_tokenizer(self):
        """As open_clip reads them from its model-config files."""
        encoder = text_encoder(
            context_length=16, tokenizer_kwargs=dict(clean='canonicalize')
        )
        expected = open_clip.SimpleTokenizer(context_length=16, clean='canonicalize')
        assert encoder.tokenize(['a dog!']).equal(expected(['a dog!']))
        assert not encoder.tokenize(['a dog!']).equal(
            open_clip.tokenize(['a dog!'], 16)
        )

    def test_tokenizer_of_hugging_face(self, tmp_path, logged):
        transformers = pytest.importorskip('transformers')
        tokenizers = pytest.importorskip('tokenizers')
        words = tokenizers.Tokenizer(
            tokenizers.models.WordLevel(
                dict(zip(['[PAD]', '[CLS]', '[SEP]', 'a', 'dog'], range(5))),
                unk_token='dog',
            )
        )
        words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        words.post_processor = tokenizers.processors.TemplateProcessing(
            single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 1), ('[SEP]', 2)]
        )
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=words,
            pad_token='[PAD]',
            cls_token='[CLS]',
            sep_token='[SEP]',
            bos_token='[CLS]',
            eos_token='[SEP]',
        ).save_pretrained(tmp_path)
        options = dict(hf_tokenizer_name=str(tmp_path), context_length=6)
        texts = ['a dog', 'a dog a dog a']
        plain, stripped, clips = (
            text_encoder(**options, **more)
            for more in (
                dict(),
                dict(tokenizer_kwargs=dict(strip_sep_token=True)),
                dict(tokenizer_mode='clips'),
            )
        )
        assert plain.tokenize(texts).tolist() == [
            [1, 3, 4, 2, 0, 0],
            [1, 3, 4, 3, 4, 2],
        ]
        assert stripped.tokenize(texts)[1].tolist() == [1, 3, 4, 3, 4, 0]
        assert clips.tokenize(texts)[1].tolist() == [1, 3, 4, 3, 2, 1]
        for encoder, count in ((plain, 7), (stripped, 7), (clips, 8)):
            encoder(texts, with_words=False)
            assert '1 of 2 texts' in logged[-1]
            assert f"'a dog a dog a' ({count} tokens)" in logged[-1]
        assert len(logged) == 3


class TestArchDicts:
    @pytest.mark.parametrize(
        'place,key',
        [
            ((), 'visoin_cfg'),
            (('vision_cfg',), 'patchsize'),
            (('text_cfg',), 'hf_tokenizer'),
        ],
    )
    def test_unknown_keys_are_named(self, place, key):
        arch = copy.deepcopy(TINY_ARCH)
        inner = arch
        for name in place:
            inner = inner[name]
        inner[key] = 3
        where = '.'.join(('arch', *place))
        with pytest.raises(ValueError, match=f"{where} has .'{key}'"):
            text_encoder(arch)

    @pytest.mark.parametrize(
        'place,key,value',
        [
            ('text_cfg', 'pool_type', 'middle'),
            ('text_cfg', 'pool_type', 'none'),
            ('vision_cfg', 'width', 'wide'),
            ('vision_cfg', 'timm_model_name', 'nosuch_model'),
        ],
    )
    def test_unfit_values_are_named(self, place, key, value):
        arch = copy.deepcopy(TINY_ARCH)
        arch[place][key] = value
        tower = 'Text' if place == 'text_cfg' else 'Image'
        with pytest.raises(ValueError, match=f'{place} of .* does not fit'):
            MODELS.build(dict(type=f'CLIP{tower}Encoder', arch=arch))

    def test_towers_download_nothing(self):
        """Whatever the dict says: weights are those of `pretrained`."""
        arch = dict(
            copy.deepcopy(TINY_ARCH),
            vision_cfg=dict(
                timm_model_name='vit_tiny_patch16_224',
                timm_model_pretrained=True,
                timm_pool='avg',
                timm_proj='linear',
                image_size=224,
            ),
        )
        encoder = MODELS.build(dict(type='CLIPImageEncoder', arch=arch))
        assert encoder(torch.zeros(1, 3, 224, 224)).shape == (1, 64)

    def test_folder_that_is_absent(self):
        with pytest.raises(ValueError, match='local-dir:/nowhere.*cannot be'):
            text_encoder('local-dir:/nowhere')


def test_every_name_taken_from_open_clip_is_there():
    """A name of another module of it fails only where it is used."""
    package = osp.dirname(bike_mmaction.__file__)
    used = set()
    for path in glob.glob(f'{package}/**/*.py', recursive=True):
        with open(path) as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                used.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom) and node.module:
                used |= {f'{node.module}.{a.name}' for a in node.names}
    names = sorted(n for n in used if re.fullmatch(r'open_clip(\.\w+)+', n))
    assert len(names) > 10
    for name in names:
        module, attribute = name.rsplit('.', 1)
        assert hasattr(importlib.import_module(module), attribute), name
