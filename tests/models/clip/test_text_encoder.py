"""The text tower of CLIP, and the embeddings that it keeps."""

import threading

import pytest
import torch
from mmaction.registry import MODELS

from tests.kit import models
from tests.kit.models import TINY_ARCH
from tests.kit.played_gpu import GPU, HOST, PlayedGPU

TEXTS = ['a dog', 'somebody playing the violin']


def text_encoder(**kwargs):
    return MODELS.build(models.text_encoder(**kwargs))


def test_words_hold_the_sentence_at_its_end():
    encoder = text_encoder()
    actual = encoder(TEXTS, with_words=True)
    end = encoder.tokenize(TEXTS).argmax(dim=1)
    assert actual.words.shape == (2, 77, 64)
    torch.testing.assert_close(actual.words[range(2), end], actual.sentence)
    without = encoder(TEXTS, with_words=False)
    torch.testing.assert_close(without.sentence, actual.sentence)
    assert without.words is None


@pytest.mark.parametrize('frozen', [True, False])
def test_padding_is_left_out_without_effect(frozen):
    encoder = text_encoder(frozen=frozen).train()
    lengths = []
    encoder.text.transformer.register_forward_pre_hook(
        lambda module, args: lengths.append(args[0].shape[1])
    )
    actual = encoder(TEXTS, with_words=False, keep=False).sentence
    tokens = encoder.tokenize(TEXTS)
    whole = encoder.text(tokens)
    assert lengths == [int(tokens.argmax(dim=1).max()) + 1, 77]
    assert lengths[0] < 20
    torch.testing.assert_close(actual, whole, rtol=1e-5, atol=1e-6)
    if not frozen:
        weight = torch.randn_like(whole)
        names, parameters = zip(*encoder.named_parameters())
        for name, a, b in zip(
            names,
            *[
                torch.autograd.grad((x * weight).sum(), parameters)
                for x in (actual, whole)
            ],
        ):
            torch.testing.assert_close(
                a, b, rtol=1e-4, atol=1e-5 * b.abs().max(), msg=name
            )


@pytest.mark.parametrize(
    'change', [dict(no_causal_mask=True), dict(embed_cls=True), dict(pool_type='last')]
)
def test_padding_that_has_an_effect_stays(change):
    arch = dict(TINY_ARCH, text_cfg=dict(TINY_ARCH['text_cfg'], **change))
    encoder = text_encoder(arch=arch).eval()
    torch.testing.assert_close(
        encoder(TEXTS, with_words=False).sentence, encoder.text(encoder.tokenize(TEXTS))
    )


def test_many_texts_are_embedded_in_parts():
    encoder = text_encoder()
    texts = [f'text {i}' for i in range(23)]
    whole = encoder(texts, with_words=True, keep=False)
    encoder.max_batch = 5
    for with_words in (True, False):
        parts = encoder(texts, with_words=with_words, keep=False)
        torch.testing.assert_close(parts.sentence, whole.sentence)
    parts = encoder(texts, with_words=True, keep=False)
    torch.testing.assert_close(parts.words, whole.words)


def test_frozen_encoder_works_once():
    encoder = text_encoder().train()
    first = encoder(TEXTS, with_words=True)
    assert encoder(TEXTS, with_words=True).sentence is first.sentence
    assert not first.sentence.requires_grad


def test_other_texts_are_not_mistaken():
    encoder = text_encoder()
    first = encoder(TEXTS, with_words=False).sentence
    second = encoder(TEXTS[::-1], with_words=False).sentence
    torch.testing.assert_close(first, second.flip(0))


def test_cache_is_dropped_on_load_state_dict():
    encoder, other = text_encoder(), text_encoder()
    stale = encoder(TEXTS, with_words=False).sentence
    holder = torch.nn.ModuleDict(dict(head=encoder))
    holder.load_state_dict({f'head.{k}': v for k, v in other.state_dict().items()})
    fresh = encoder(TEXTS, with_words=False).sentence
    torch.testing.assert_close(fresh, other(TEXTS, with_words=False).sentence)
    assert not torch.allclose(fresh, stale)


def test_cache_is_dropped_when_the_encoder_trains():
    encoder = text_encoder(frozen=False).eval()
    stale = encoder(TEXTS, with_words=False).sentence
    encoder.train()
    loss = encoder(TEXTS, with_words=False).sentence.square().sum()
    loss.backward()
    torch.optim.SGD(encoder.parameters(), 0.1).step()
    fresh = encoder.eval()(TEXTS, with_words=False).sentence
    assert not torch.allclose(fresh, stale)


def test_cached_embeddings_can_be_trained_against():
    encoder = text_encoder()
    with torch.inference_mode():
        encoder(TEXTS, with_words=False)
    x = torch.randn(3, 64, requires_grad=True)
    (x @ encoder(TEXTS, with_words=False).sentence.t()).sum().backward()
    assert x.grad is not None


def test_cache_is_of_one_precision():
    encoder = text_encoder()
    single = encoder(TEXTS, with_words=False).sentence
    double = encoder.double()(TEXTS, with_words=False).sentence
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)


def test_old_name_of_an_argument():
    encoder = text_encoder()
    with pytest.warns(FutureWarning, match='argument words is now with_words'):
        words = encoder(TEXTS, words=True).words
    torch.testing.assert_close(words, encoder(TEXTS, with_words=True).words)


def test_cache_is_bounded():
    encoder = text_encoder()
    for i in range(10):
        encoder([str(i)], with_words=False)
    assert len(encoder.memory) == encoder.max_cached


def test_towers_without_words_are_named():
    class Opaque(torch.nn.Module):
        def forward(self, tokens):
            return torch.zeros(len(tokens), 64)

    encoder = text_encoder()
    encoder.text = Opaque().requires_grad_(False)
    encoder.text.weight = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
    assert encoder(TEXTS, with_words=False).sentence.shape == (2, 64)
    message = "arch=the given dict gives no word .*Opaque.*saliency_source='class'"
    with pytest.raises(ValueError, match=message):
        encoder(TEXTS, with_words=True)


def test_a_frozen_tower_leaves_the_gpu():
    """Which is played; what it has made of texts stays there, and is made once."""
    plain, encoder = text_encoder(), text_encoder(offload=True)
    encoder.load_state_dict(plain.state_dict())
    with PlayedGPU():

        def places():
            return {weight.device for weight in encoder.parameters()}

        encoder.to(GPU)
        kept = encoder(TEXTS, with_words=True)
        assert places() == {HOST} and kept.words.device == GPU
        assert encoder(['a cat'], with_words=False).sentence.device == GPU
        assert places() == {HOST}
        assert encoder(TEXTS, with_words=True) is kept
        passing = encoder(['a cat'], with_words=False, keep=False)
        assert places() == {passing.sentence.device} == {GPU}
        assert encoder(TEXTS, with_words=True) is kept
        for own, expected in zip(kept, plain(TEXTS, with_words=True)):
            assert torch.equal(own.inner, expected)
        encoder.load_state_dict(encoder.state_dict())
        assert encoder(TEXTS, with_words=True) is not kept and places() == {HOST}
        encoder.to('cpu')
        assert encoder(TEXTS, with_words=True).words.device == HOST
    with pytest.raises(ValueError, match='offload=True is for a frozen text tower'):
        text_encoder(offload=True, frozen=False)


def test_a_tower_that_has_left_is_cast_with_its_model():
    """And still comes back to the GPU, also to one that it was moved to meanwhile."""
    encoder = text_encoder(offload=True)
    with PlayedGPU():
        for device in (GPU, HOST, GPU):
            encoder.to(device)(TEXTS, with_words=False)
        encoder.double()
        sentence = encoder(TEXTS, with_words=False).sentence
        assert (sentence.device, sentence.dtype) == (GPU, torch.float64)
        assert {weight.device for weight in encoder.parameters()} == {HOST}


def test_a_tower_leaves_when_no_other_thread_needs_it():
    encoder, others = text_encoder(offload=True), []

    def make():
        other = threading.Thread(
            target=lambda: others.append(encoder(TEXTS, with_words=False, keep=False))
        )
        other.start()
        other.join(0.5)
        assert not others  # it waits
        return other

    encoder.once('key', make).join()
    assert len(others) == 1
