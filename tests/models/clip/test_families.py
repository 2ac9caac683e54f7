"""Every family of text towers against open_clip's own model, and their words."""

import json
import re
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from open_clip.model import CLIPTextCfg

from bike_mmaction.models.clip.tokens import find_cut
from bike_mmaction.models.clip.word_positions import word_positions
from tests.kit import models
from tests.kit.families import FAMILIES, build_whole, make_family, write_whole

TEXTS = ['a dog', 'Somebody playing the violin, at night', 'reading and singing ' * 50]
# prompts in which the name stands again, or that touch it
PROMPTS = ['{}', 'the violin: {} or the violin', 'a video ("{}")', 'Ärzte  {}.']
NAMES = [
    'the violin',
    "the Man's  hat",
    'Caf&eacute; at night',
    ' making a 🎻 CAKE ',
    '弹小提琴',
    'ocean_waves',
]


@pytest.fixture(scope='module', params=list(FAMILIES))
def family(request, tmp_path_factory):
    """A text encoder of a family, open_clip's model and its tokenizer."""
    folder = tmp_path_factory.mktemp(request.param)
    arch = make_family(request.param, folder)
    if 'eos_id' in arch['text_cfg'] and not hasattr(CLIPTextCfg, 'eos_id'):
        pytest.skip(f'open_clip {open_clip.__version__} has no MetaCLIP 2')
    config = json.dumps(dict(model_cfg=arch))
    (folder / 'open_clip_config.json').write_text(config)
    tokenizer = open_clip.get_tokenizer(f'local-dir:{folder}')
    inner = getattr(tokenizer, 'tokenizer', None)
    if inner is not None and not hasattr(inner, 'batch_encode_plus'):
        # open_clip 3.0 calls what transformers 5 has no more
        inner.batch_encode_plus = inner.__call__
    return (*built(arch), tokenizer)


def built(arch):
    encoder = MODELS.build(models.text_encoder(arch=arch))
    whole = build_whole(arch)
    encoder.text.load_state_dict(whole.text.state_dict())
    return encoder, whole


def changed(arch, **text_cfg):
    return MODELS.build(
        models.text_encoder(arch=dict(arch, text_cfg={**arch['text_cfg'], **text_cfg}))
    )


def letters(text):
    """A text without capitals, accents, spaces and punctuation."""
    plain = unicodedata.normalize('NFD', text).lower()
    return re.sub(r'[\W_]|[\u0300-\u036f]', '', plain)


def read(tokenizer, tokens):
    """The letters of a text that tokens stand for, special ones left out."""
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        special = (0, *tokenizer.all_special_ids)
        return letters(
            tokenizer.decode([t for t in tokens.tolist() if t not in special])
        )
    return letters(tokenizer.tokenizer.decode(tokens, skip_special_tokens=True))


def expected_words(tower, hidden):
    """The last layer, by hand through what the sentence goes through."""
    if hasattr(tower, 'proj'):  # of Hugging Face
        return tower.proj(hidden.last_hidden_state)
    words = tower.ln_final(hidden)[:, : tower.context_length]  # without CoCa's CLS
    if tower.text_projection is None:
        return words
    if isinstance(tower.text_projection, torch.nn.Linear):
        return words @ tower.text_projection.weight.T + tower.text_projection.bias
    return words @ tower.text_projection


@torch.no_grad()
def test_sentences_and_words_are_those_of_open_clip(family):
    encoder, whole, tokenizer = family
    hidden = []
    whole.text.transformer.register_forward_hook(lambda *args: hidden.append(args[2]))
    tokens = tokenizer(TEXTS)
    sentence = whole.encode_text(tokens, normalize=False)
    assert encoder.tokenize(TEXTS).equal(tokens)
    actual = encoder(TEXTS, with_words=True)
    torch.testing.assert_close(actual.sentence, sentence, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        actual.words, expected_words(whole.text, hidden[0]), rtol=1e-5, atol=1e-5
    )
    assert actual.words.shape == (3, tokens.shape[1], 64)
    for texts in (TEXTS, TEXTS[:2]):  # of short ones, padding may be left out
        actual = encoder(texts, with_words=False)
        torch.testing.assert_close(
            actual.sentence, sentence[: len(texts)], rtol=1e-5, atol=1e-5
        )


def test_words_are_read_back_from_their_positions(family):
    encoder, _, tokenizer = family
    names, sentences = (
        word_positions(encoder.tokens, PROMPTS, NAMES, words)
        for words in ('name', 'sentence')
    )
    pairs = [(prompt, name) for prompt in PROMPTS for name in NAMES]
    tokens = encoder.tokenize([prompt.replace('{}', name) for prompt, name in pairs])
    wrong = []
    for row, (prompt, name) in enumerate(pairs):
        places = names[row].nonzero().flatten()
        first, end = int(places[0]), int(places[-1]) + 1
        used = int(sentences[row].sum())
        parts = [tokens[row, a:b] for a, b in ((0, first), (first, end), (end, used))]
        before, after = prompt.split('{}')
        expected = [letters(tokenizer.clean_fn(t)) for t in (before, name, after)]
        if [read(tokenizer, part) for part in parts] != expected:
            wrong.append((prompt, name, parts))
    assert not wrong


def test_letters_of_several_tokens(family):
    """One for each byte, where a tokenizer does not have the letter."""
    encoder, _, tokenizer = family
    mask = word_positions(encoder.tokens, ['a {} on it'], ['🎻'], 'name')[0]
    tokens = tokenizer(['a 🎻 on it'])[0]
    decode = getattr(tokenizer, 'tokenizer', tokenizer).decode
    assert decode(tokens[mask].tolist()).strip() in ('🎻', '<unk>', '[UNK]')
    first = int(mask.nonzero()[0])
    assert read(tokenizer, tokens[:first]) == 'a'
    assert read(tokenizer, tokens[first + int(mask.sum()) :]) == 'onit'


def test_sentences_end_before_their_padding(family):
    encoder, _, tokenizer = family
    mask = word_positions(encoder.tokens, ['{}'], TEXTS, 'sentence')
    tokens = tokenizer(TEXTS)
    inner = getattr(tokenizer, 'tokenizer', None)
    padding, added, end = 0, 2, 49407
    if inner is not None:
        padding, added = inner.pad_token_id, inner.num_special_tokens_to_add()
        end = inner.eos_token_id
    if getattr(tokenizer, 'strip_sep_token', False):  # CLIPA has no end of a text
        added, end = 1, None
    counts = [encoder.count_tokens(text) + added for text in TEXTS[:2]]
    assert mask.sum(dim=1)[:2].tolist() == counts
    assert (tokens[~mask] == padding).all()
    for row in range(3):
        used = int(mask[row].sum())
        assert mask[row, :used].all()
        assert end is None or tokens[row, used - 1] == end


def test_names_that_are_cut_keep_what_is_read(family):
    encoder, _, tokenizer = family
    cut = find_cut(tokenizer, TEXTS, tokenizer(TEXTS))
    assert [text for text, _ in cut] == TEXTS[2:]
    mask = word_positions(encoder.tokens, ['so {} ends'], TEXTS[2:], 'name')
    tokens = encoder.tokenize(['so ' + TEXTS[2] + ' ends'])
    places = mask[0].nonzero().flatten().tolist()
    assert places[-1] == tokens.shape[1] - 2 and len(places) > 10
    actual = read(tokenizer, tokens[0, places])
    assert letters(TEXTS[2]).startswith(actual) and actual
    with pytest.raises(ValueError, match=r'prompt=.* leave no room in the context'):
        word_positions(encoder.tokens, [TEXTS[2] + '{}'], ['a dog'], 'name')
    with pytest.raises(ValueError, match="nothing is left of the class name '&nbsp;'"):
        word_positions(encoder.tokens, ['a {}'], ['a dog', '&nbsp;'], 'name')


@pytest.fixture(scope='module')
def worldwide(tmp_path_factory):
    return make_family('xlm_roberta', tmp_path_factory.mktemp('worldwide'))


def positions(encoder, words, name='the dog'):
    return (
        word_positions(encoder.tokens, ['on {}'], [name], words)[0].nonzero().flatten()
    )


class TestKindsOfTokenizers:
    def test_cls_at_the_last_position(self, worldwide):
        encoder = changed(worldwide, tokenizer_mode='clips', context_length=12)
        plain = changed(worldwide, context_length=14)
        for name in ('the dog', 'the dog and all of the others'):
            tokens = encoder.tokenize([f'on {name}'])[0]
            named, sentence = (
                positions(encoder, w, name) for w in ('name', 'sentence')
            )
            usual = positions(plain, 'name', name)
            assert named.equal(usual[: len(named)])
            assert tokens[sentence[-1]] == 2 and tokens[11] == 0
            assert len(sentence) == min(11, len(positions(plain, 'sentence', name)))

    def test_language_comes_first(self, tmp_path):
        arch = make_family('nllb', tmp_path)
        encoder = changed(arch, tokenizer_kwargs=dict(language='deu_Latn'))
        inner = encoder.tokenizer.tokenizer
        tokens = encoder.tokenize(['on the dog'])[0]
        assert inner.decode(tokens[0]) == 'deu_Latn'
        named = positions(encoder, 'name')
        assert read(encoder.tokenizer, tokens[named]) == 'thedog'
        assert positions(encoder, 'sentence').tolist()[0] == 0
        with pytest.raises(RuntimeError, match="language='German' is no language"):
            _ = changed(arch, tokenizer_kwargs=dict(language='German')).tokenizer

    def test_those_that_do_not_tell_what_tokens_stand_for(self, worldwide, monkeypatch):
        encoder = changed(worldwide)
        monkeypatch.setattr(type(encoder.tokenizer.tokenizer), 'is_fast', False)
        for mode in (None, 'clips'):
            encoder = changed(worldwide, tokenizer_mode=mode)
            assert positions(encoder, 'sentence').tolist()[0] == 0
            with pytest.raises(
                ValueError, match="words='name' .*Tokenizer.* of arch=.*tokenizer.json"
            ):
                positions(encoder, 'name')

    def test_those_that_drop_tokens_at_random(self):
        kwargs = dict(tokenizer_kwargs=dict(reduction_mask='random'))
        encoder = changed(models.TINY_ARCH, **kwargs)
        assert positions(encoder, 'sentence').tolist() == list(range(5))
        with pytest.raises(ValueError, match="words='name' .*reduction_mask"):
            positions(encoder, 'name')


def test_threads_take_turns_at_a_tokenizer(worldwide, monkeypatch):
    """Which would cut the texts of one as another asks for."""
    inside, together = [], []
    kind = type(changed(worldwide).tokenizer.tokenizer)
    call = kind.__call__

    def slow_call(*args, **kwargs):
        inside.append(1)
        together.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return call(*args, **kwargs)

    monkeypatch.setattr(kind, '__call__', slow_call)
    encoder = changed(worldwide)
    assert encoder.tokenizer
    with ThreadPoolExecutor(3) as threads:
        threads.submit(encoder.tokenize, TEXTS)
        threads.submit(encoder.count_tokens, TEXTS[2])
        threads.submit(positions, encoder, 'name')
    assert set(together) == {1} and len(together) > 1


def test_confidences_of_a_siglip_are_its_own(tmp_path):
    """Before any training, and its bias stays in a training."""
    arch = make_family('siglip', tmp_path)
    path = write_whole(tmp_path / 'weights.pt', arch)
    whole = build_whole(arch)
    model = MODELS.build(
        models.video_branch(
            NAMES[:3],
            dict(
                aggregation='mean',
                prompt='{}',
                text_encoder=models.text_encoder(arch=arch, pretrained=path),
                loss_cls=dict(type='SigmoidLoss'),
            ),
            backbone=models.image_encoder(arch=arch, pretrained=path),
        )
    )
    model.init_weights()
    model.eval()
    head, frame = model.cls_head, torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        scores = head(model.backbone(frame)[None])[:, None]  # [B, V, K]
        actual = head.confidences(head.average_views(scores))
        tokens = head.text_encoder.tokenize(NAMES[:3])
        expected = whole.get_logits(frame, tokens)[0].sigmoid()
    torch.testing.assert_close(actual.float(), expected, rtol=1e-4, atol=1e-7)
    assert head.bias == whole.logit_bias != -10
    head.train()
    head.loss_cls(100 * torch.randn(4, 3), torch.eye(4, 3))
    assert head.bias == whole.logit_bias
