"""Prompt ensembles: several sentences stand for a class."""

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from bike_mmaction.datasets.prompts import load_prompts
from tests.kit.models import vcs_head

NAMES = ['abseiling', 'playing a drum', 'yoga']
PROMPTS = ['This is a video about {}', 'a photo of a person {} outdoors']


def build(prompt, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(vcs_head(NAMES, prompt=prompt, **kwargs)).eval()


def test_class_embedding_is_the_mean_over_the_prompts():
    single = [build(p).embed_classes(with_words=True) for p in PROMPTS]
    actual = build(PROMPTS).embed_classes(with_words=True)
    expected = F.normalize(single[0].sentence + single[1].sentence, dim=-1)
    torch.testing.assert_close(actual.sentence, expected)
    assert actual.words.shape == (3, 2 * 77, 64)
    torch.testing.assert_close(actual.words[:, :77], single[0].words)
    torch.testing.assert_close(actual.words[:, 77:], single[1].words)


@pytest.mark.parametrize('words', ['all', 'sentence', 'name'])
def test_saliency_is_the_mean_over_the_words_of_all_prompts(words):
    frames = torch.randn(2, 5, 64)
    single = [build(p, words=words) for p in PROMPTS]
    counts = [
        torch.full((3, 1), 77.0)
        if words == 'all'
        else h.embed_classes(True).word_mask.sum(1, keepdim=True)
        for h in single
    ]
    parts = [h.spot(frames)[1] for h in single]
    expected = sum(c * p for c, p in zip(counts, parts)) / sum(counts)
    torch.testing.assert_close(build(PROMPTS, words=words).spot(frames)[1], expected)


def test_one_prompt_in_a_list_changes_nothing():
    frames = torch.randn(2, 5, 64)
    torch.testing.assert_close(build(PROMPTS[:1])(frames), build(PROMPTS[0])(frames))


def test_another_prompt_later():
    frames, head = torch.randn(2, 5, 64), build(PROMPTS[0])
    before = head(frames)
    head.set_prompt(PROMPTS)
    torch.testing.assert_close(head(frames), build(PROMPTS)(frames))
    head.set_prompt(PROMPTS[0])
    torch.testing.assert_close(head(frames), before)


def test_sources(tmp_path):
    assert load_prompts('see {}') == ['see {}']
    assert len(load_prompts('actions')) == 8
    (tmp_path / 'p.txt').write_text('a {}\n\nb {} c\n')
    assert load_prompts(str(tmp_path / 'p.txt')) == ['a {}', 'b {} c']


@pytest.mark.parametrize('source', ['no.txt', 'a {} b {}', ['{}', 'none'], []])
def test_unfit(source):
    with pytest.raises(ValueError, match='prompt='):
        load_prompts(source)
