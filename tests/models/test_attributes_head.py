import copy
import re

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from tests.kit.models import TINY_ARCH, attributes_head, text_encoder

NAMES = ['playing chess', 'surfing', 'a dog']
ATTRIBUTES = [['board', 'table'], ['sea', 'wave', 'beach'], ['fur']]


def build(frozen=True, **kwargs):
    kwargs.setdefault('text_encoder', text_encoder(frozen=frozen))
    return MODELS.build(attributes_head(NAMES, **kwargs))


def samples(attributes=ATTRIBUTES, labels=(0, 1, 2)):
    results = []
    for phrases, label in zip(attributes, labels):
        sample = ActionDataSample(metainfo=dict(filename='some.mp4'))
        sample.set_gt_label(label).set_field(list(phrases), 'attributes')
        results.append(sample)
    return results


class TestSentences:
    def test_prompt_and_separator(self):
        head = build(attributes_prompt='{} are seen', separator=' and ')
        assert head.sentences(ATTRIBUTES[:2]) == [
            'board and table are seen',
            'sea and wave and beach are seen',
        ]

    def test_braces_in_a_phrase_stay(self):
        assert build().sentences([['a {}']]) == ['This is a video about a {}']

    def test_long_text_keeps_its_end_token(self):
        head = build()
        phrases = [f'phrase number {i}' for i in range(60)]
        tokens = head.text_encoder.tokenize(head.sentences([phrases]))
        end = head.text_encoder.tokenizer.eot_token_id
        assert tokens.shape == (1, 77) and tokens[0, -1] == end
        assert (tokens[0] == end).sum() == 1
        kept = head.text_encoder.tokenizer.decode(tokens[0].tolist())
        assert 'phrase number 0' in kept and 'number 5 9' not in kept
        assert torch.isfinite(head([phrases])).all()


class TestForward:
    def test_plug_and_play_is_the_cosine_of_clip(self):
        head = build(mlp=False)
        encode = head.text_encoder.text
        tokenize = head.text_encoder.tokenizer
        texts = encode(tokenize(head.sentences(ATTRIBUTES)))
        classes = encode(tokenize(head.prompts()))
        torch.testing.assert_close(
            head(ATTRIBUTES), F.cosine_similarity(texts[:, None], classes[None], dim=-1)
        )

    def test_mlps_that_pass_through_change_nothing(self):
        """Shift, so that the ReLU cuts nothing, and shift back."""
        head, plain = build(), build(mlp=False)
        plain.load_state_dict(head.state_dict(), strict=False)
        for mlp in (head.query_fc, head.sentence_fc):
            torch.nn.init.eye_(mlp[0].weight)
            torch.nn.init.eye_(mlp[2].weight)
            torch.nn.init.constant_(mlp[0].bias, 1.0)
            torch.nn.init.constant_(mlp[2].bias, -1.0)
        torch.testing.assert_close(head(ATTRIBUTES), plain(ATTRIBUTES))

    def test_classes_and_attributes_have_own_prompts(self):
        head = build(mlp=False, prompt='{}', attributes_prompt='{}')
        scores = head([['surfing']])
        assert scores[0, 1] == pytest.approx(1)  # the same text
        assert build(mlp=False, prompt='{}')([['surfing']])[0, 1] < 0.9999

    def test_own_encoder_of_the_attributes(self):
        head = build(mlp=False, attributes_encoder=text_encoder(frozen=False))
        torch.nn.init.normal_(head.attributes_encoder.text.text_projection, std=0.1)
        actual = head.attributes_encoder(
            head.sentences(ATTRIBUTES), with_words=False, keep=False
        ).sentence
        classes = head.text_encoder(head.prompts(), with_words=False).sentence
        torch.testing.assert_close(
            head(ATTRIBUTES),
            F.normalize(actual, dim=-1) @ F.normalize(classes, dim=-1).T,
        )


class TestTraining:
    def gradients(self, head, batch):
        head.train()
        head.loss(None, batch)['loss_cls'].backward()
        return {
            name
            for name, p in head.named_parameters()
            if p.grad is not None and p.grad.abs().sum() > 0
        }

    def test_as_released(self):
        actual = self.gradients(build(), samples())
        assert actual == {
            f'{mlp}.{i}.{kind}'
            for mlp in ('query_fc', 'sentence_fc')
            for i in (0, 2)
            for kind in ('weight', 'bias')
        } | {'logit_scale'}

    def test_as_in_the_text(self):
        head = build(mlp=False, attributes_encoder=text_encoder(frozen=False))
        actual = self.gradients(head, samples())
        assert 'attributes_encoder.text.text_projection' in actual
        assert not any(name.startswith('text_encoder') for name in actual)

    def test_plug_and_play_has_nothing_to_train_or_to_save(self):
        shared = build().text_encoder
        head = build(mlp=False, text_encoder=shared)
        assert not head.trains and not head.state_dict()
        assert head.logit_scale.exp() == pytest.approx(100)

    def test_encoder_of_another_head_is_not_its_own(self):
        shared = build(frozen=False).text_encoder
        assert not build(mlp=False, text_encoder=shared).trains
        assert build(mlp=False, frozen=False).trains

    def test_videos_without_attributes_do_not_count(self):
        head = build()
        batch = samples([*ATTRIBUTES, []], [0, 1, 2, 1])
        expected = head.loss(None, samples())['loss_cls']
        torch.testing.assert_close(head.loss(None, batch)['loss_cls'], expected)

    def test_no_attributes_at_all(self):
        head = build()
        loss = head.loss(None, samples([[], []]))['loss_cls']
        loss.backward()
        assert loss == 0 and head.sentence_fc[0].weight.grad.abs().sum() == 0


class TestInitialization:
    """Of the MLPs, as released: N(0, 0.02²), biases 0."""

    def initialized(self, seed, **kwargs):
        torch.manual_seed(seed)
        head = build(**kwargs)
        before = copy.deepcopy(head.state_dict())
        head.init_weights()
        return before, head.state_dict()

    def test_mlps(self):
        before, after = self.initialized(0)
        for name in before:
            drawn = name.split('.')[0] in ('query_fc', 'sentence_fc')
            bias = name.endswith('bias')
            assert torch.equal(before[name], after[name]) != drawn, name
            if drawn and bias:
                assert not after[name].any(), name
            elif drawn:
                assert after[name].mean().abs() < 0.001, name
                assert after[name].std() == pytest.approx(0.02, rel=0.06)

    def test_seed(self):
        first, again, other = (self.initialized(seed)[1] for seed in (3, 3, 4))
        for name in ('query_fc.0.weight', 'sentence_fc.2.weight'):
            assert torch.equal(first[name], again[name])
            assert not torch.equal(first[name], other[name])

    def test_own_choice(self):
        zero = dict(type='Constant', val=0, override=dict(name='sentence_fc'))
        after = self.initialized(0, init_cfg=zero)[1]
        assert not after['sentence_fc.0.weight'].any()
        assert after['query_fc.0.weight'].any()

    def test_plug_and_play_has_none(self):
        before, after = self.initialized(0, mlp=False)
        assert all(torch.equal(before[name], after[name]) for name in before)


class TestCache:
    def test_sentences_do_not_push_out_class_embeddings(self):
        head = build(mlp=False)
        head(ATTRIBUTES)
        before = head.embed_classes(with_words=False)
        for i in range(10):
            head([[f'phrase {i}']])
        assert head.embed_classes(with_words=False) is before


class TestPredict:
    def test_scores(self):
        head = build()
        batch = head.predict(None, samples())
        for sample, cosines in zip(batch, head(ATTRIBUTES)):
            torch.testing.assert_close(
                sample.attributes_score, cosines.double().softmax(-1)
            )

    def test_unlabelled_videos_are_accepted(self):
        batch = build().predict(None, samples([['sea']], [-1]))
        assert 'attributes_score' in batch[0]

    def test_scores_are_of_single_precision_under_autocast(self):
        head = build().eval()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            actual = head(ATTRIBUTES)
        torch.testing.assert_close(actual, head(ATTRIBUTES))

    def test_video_without_attributes_gets_no_score(self):
        batch = build().predict(None, samples([['sea'], []], [0, 1]))
        assert 'attributes_score' in batch[0]
        assert 'attributes_score' not in batch[1]


class TestErrors:
    @pytest.mark.parametrize('method', ['loss', 'predict'])
    def test_nobody_loaded_attributes(self, method):
        sample = ActionDataSample(metainfo=dict(filename='some.mp4'))
        with pytest.raises(ValueError, match='some.mp4.*LoadAttributes'):
            getattr(build(), method)(None, [sample.set_gt_label(0)])

    @pytest.mark.parametrize(
        'label,method', [(3, 'loss'), (3, 'predict'), (-1, 'loss')]
    )
    def test_label_out_of_range(self, label, method):
        with pytest.raises(ValueError, match=f'label {label} of .some.mp4'):
            getattr(build(), method)(None, samples([['sea']], [label]))

    @pytest.mark.parametrize(
        'kwargs,message',
        [
            (dict(attributes_prompt='about'), "attributes_prompt='about'"),
            (dict(in_channels=32), 'in_channels=32.*64'),
            (
                dict(
                    attributes_encoder=dict(
                        text_encoder(), arch=dict(TINY_ARCH, embed_dim=32)
                    )
                ),
                '32 channels.*64',
            ),
        ],
    )
    def test_unfit_options(self, kwargs, message):
        with pytest.raises(ValueError, match=re.compile(message, re.S)):
            build(**kwargs)
