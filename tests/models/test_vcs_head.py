import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from bike_mmaction.models.concept_spotting import frame_saliency
from tests.golden import fixture
from tests.kit.models import TINY_ARCH, text_encoder, vcs_head

NAMES = ['abseiling', 'making a cake', 'zumba']


def build(names=NAMES, frozen=True, **kwargs):
    torch.manual_seed(1)
    kwargs.setdefault('text_encoder', text_encoder(frozen=frozen))
    return MODELS.build(vcs_head(names, **kwargs))


class TestWords:
    def test_positions_of_each_choice(self):
        for prompt, words, long, short in (
            # <start> a video of making a cake <end>, and of zumba (one token)
            ('a video of {}', 'sentence', list(range(8)), list(range(6))),
            ('a video of {}', 'name', [4, 5, 6], [4]),
            ('{}, a video.', 'name', [1, 2, 3], [1]),
            ('("{}")', 'name', [2, 3, 4], [2]),  # quotes are tokens of their own
        ):
            chosen = build(prompt=prompt, words=words).embed_classes(True)
            every = build(prompt=prompt).embed_classes(True).words
            # A place that no class needs would cost as much as a word.
            assert chosen.words.shape[1] == len(long), (prompt, words)
            for k, places in ((1, long), (2, short)):
                kept = chosen.words[k, chosen.word_mask[k]]
                assert torch.equal(kept, every[k, places]), (prompt, words, k)
        assert build(words='all').embed_classes(True).word_mask is None

    def test_modes_differ(self):
        frames = torch.randn(2, 8, 64)
        saliency = [build(words=w).spot(frames)[1] for w in ('all', 'sentence', 'name')]
        assert not torch.allclose(saliency[0], saliency[1])
        assert not torch.allclose(saliency[1], saliency[2])


class TestSources:
    """Table 6b."""

    def test_class_saliency_has_one_query(self):
        frames, head = torch.randn(2, 8, 64), build(saliency_source='class')
        _, saliency = head.spot(frames)
        classes = head.embed_classes(with_words=False).sentence
        torch.testing.assert_close(
            saliency,
            frame_saliency(F.normalize(frames, dim=-1), classes[:, None], 0.01),
        )

    def test_word_recognition_compares_with_the_mean_word(self):
        frames = torch.randn(2, 8, 64)
        head = build(recognition_source='word', aggregation='mean', words='name')
        words, mask = head.embed_classes(with_words=True)[1:]
        videos = F.normalize(frames.mean(1), dim=-1)
        for k in range(3):
            mean = F.normalize(words[k, mask[k]].mean(0), dim=0)
            torch.testing.assert_close(head(frames)[:, k], videos @ mean)


class TestHead:
    def test_mean_pooling_is_the_cosine_of_the_mean_frame(self):
        frames, head = torch.randn(2, 8, 64), build(aggregation='mean')
        scores, saliency = head.spot(frames)
        classes = head.embed_classes(with_words=False).sentence
        torch.testing.assert_close(
            scores, F.cosine_similarity(frames.mean(1)[:, None], classes[None], dim=-1)
        )
        assert (saliency == 1 / 8).all()

    def test_other_widths_are_projected(self):
        head = build(in_channels=96)
        scores = head(torch.randn(2, 8, 96))
        scores.sum().backward()
        assert scores.shape == (2, 3)
        assert head.projection.weight.grad.abs().sum() > 0

    def test_frames_of_all_views_in_the_batch(self):
        """As Recognizer2D folds them: views are averaged all the same."""
        frames = torch.randn(2 * 3, 8, 64)  # two videos of three views
        expected = build().predict(frames, [ActionDataSample() for _ in '12'])
        actual = build(num_segments=8).predict(
            frames.flatten(0, 1), [ActionDataSample() for _ in '12'], num_segs=24
        )
        for a, b in zip(actual, expected):
            torch.testing.assert_close(a.pred_score, b.pred_score)
        with pytest.raises(ValueError, match='num_segments=7.* check clip_len'):
            build(num_segments=7).predict(
                frames.flatten(0, 1), [ActionDataSample() for _ in '12'], num_segs=24
            )

    def test_new_class_names_need_no_training(self):
        frames, head = torch.randn(2, 8, 64), build()
        before = head(frames)
        head.set_class_names(['zumba', 'abseiling'])
        after = head(frames)
        torch.testing.assert_close(after, before[:, [2, 0]])
        assert head.num_classes == 2

    def test_scores_are_float32_under_autocast(self):
        head, frames = build(), torch.randn(2, 8, 64)
        with torch.autocast('cpu', torch.bfloat16):
            scores = head(frames)
        assert scores.dtype == torch.float32
        torch.testing.assert_close(scores, head(frames))

    def test_gradients_reach_frames_and_scale(self):
        head, frames = build(), torch.randn(4, 8, 64, requires_grad=True)
        samples = [ActionDataSample().set_gt_label(i % 3) for i in range(4)]
        losses = head.loss(frames, samples)
        losses['loss_cls'].backward()
        assert frames.grad.abs().sum() > 0
        assert head.logit_scale.grad.abs() > 0
        assert head.text_encoder.text.token_embedding.weight.grad is None

    def test_trained_text_encoder_gets_gradients(self):
        head, frames = build(frozen=False).train(), torch.randn(4, 8, 64)
        samples = [ActionDataSample().set_gt_label(i % 3) for i in range(4)]
        head.loss(frames, samples)['loss_cls'].backward()
        assert head.text_encoder.text.text_projection.grad.abs().sum() > 0

    def test_loss_of_mmaction2_can_be_used(self):
        head = build(loss_cls=dict(type='CrossEntropyLoss'))
        frames = torch.randn(4, 8, 64)
        labels = torch.tensor([0, 1, 2, 0])
        samples = [ActionDataSample().set_gt_label(y) for y in labels]
        actual = head.loss(frames, samples)['loss_cls']
        expected = F.cross_entropy(head(frames) * head.logit_scale.exp(), labels)
        torch.testing.assert_close(actual, expected)

    @pytest.mark.parametrize('labels', [[4, 4, 1], [0, 1, 2, 3, 4, 4]])
    @pytest.mark.parametrize('words', ['all', 'name'])
    def test_classes_of_the_batch_give_the_same_loss(self, words, labels):
        """Values and gradients, where there are fewer of them than classes or not."""
        names = [*NAMES, 'making tea', 'tai chi']
        samples = [ActionDataSample().set_gt_label(label) for label in labels]
        data, compared, outcomes = torch.randn(len(labels), 8, 64), [], []
        for classes in ('all', 'batch'):
            loss = dict(type='ContrastiveLoss', classes=classes)
            head = build(names, frozen=False, words=words, loss_cls=loss).train()
            head._spot_frames = lambda frames, own, original=head._spot_frames: (
                compared.append(len(own.sentence)) or original(frames, own)
            )
            frames = data.clone().requires_grad_()
            losses = head.loss(frames, samples)
            assert ('top1_acc' in losses) == (classes == 'all')
            losses['loss_cls'].backward()
            text = head.text_encoder.text.text_projection.grad
            outcomes.append([losses['loss_cls'], frames.grad, text])
            outcomes[-1].append(head.logit_scale.grad)
        assert compared == [5, min(5, len(labels))]
        for one, other in zip(*outcomes):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize('classes', ['all', 'batch'])
    def test_smoothed_labels_are_refused(self, classes):
        loss = dict(type='ContrastiveLoss', classes=classes)
        head = build(loss_cls=loss, label_smooth_eps=0.1)
        with pytest.raises(ValueError, match='takes one class index per video'):
            head.loss(torch.randn(1, 8, 64), [ActionDataSample().set_gt_label(1)])

    def test_views_are_averaged_as_probabilities(self):
        head = build(average_clips='score')
        frames = torch.randn(4, 8, 64)  # two videos of two views
        samples = head.predict(frames, [ActionDataSample() for _ in '12'])
        torch.testing.assert_close(
            samples[1].pred_score, head(frames)[2:].double().mean(0)
        )

    def test_views_may_stay_apart(self):
        """Where ``average_clips`` is None, as MMAction2's heads keep them."""
        scores = torch.randn(4, len(NAMES))  # two videos of two views
        samples = [ActionDataSample() for _ in '12']
        samples = build(average_clips=None).predict_by_feat(scores, samples)
        for name in ('pred_score', 'video_score'):
            assert samples[1].get(name).equal(scores[2:].double())

    def test_probabilities_keep_the_order_of_the_scores(self):
        # All values are nearly 1/K: single precision would tie many.
        head, scores = build(), 0.03 * torch.randn(500, 400)
        samples = head.predict_by_feat(scores, [ActionDataSample() for _ in scores])
        actual = torch.stack([sample.pred_score for sample in samples])
        assert torch.equal(actual.argsort(), scores.double().argsort())
        torch.testing.assert_close(
            actual.sum(dim=1), torch.ones(500, dtype=torch.float64)
        )


class TestErrors:
    @pytest.mark.parametrize(
        'method,label', [('loss', 3), ('loss', -1), ('predict', 3), ('predict', -2)]
    )
    def test_label_out_of_range(self, method, label):
        sample = ActionDataSample(metainfo=dict(filename='some/clip.mp4'))
        sample.set_gt_label(label)
        with pytest.raises(ValueError) as error:
            getattr(build(), method)(torch.randn(1, 8, 64), [sample])
        for part in (f'label {label}', 'some/clip.mp4', '3 classes', '0 to 2'):
            assert part in str(error.value)

    def test_labels_of_other_classes(self):
        """Are named also where a sample says of how many classes it is."""
        sample = ActionDataSample(metainfo=dict(filename='a.mp4', num_classes=5))
        sample.set_field(torch.zeros(5), 'gt_label')
        with pytest.raises(ValueError, match="labels of 'a.mp4' are of 5 classes"):
            build().predict(torch.randn(1, 8, 64), [sample])
        assert 'pred_score' not in sample

    def test_class_list_of_the_wrong_length(self, tmp_path):
        path = tmp_path / 'names.txt'
        path.write_text('running\nwalking\n')
        with pytest.raises(ValueError) as error:
            MODELS.build(
                dict(
                    type='VCSHead',
                    num_classes=5,
                    in_channels=64,
                    class_names=str(path),
                    text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
                )
            )
        for part in (str(path), '2 names', 'num_classes=5'):
            assert part in str(error.value)

    @pytest.mark.parametrize(
        'option',
        [
            dict(aggregation='max'),
            dict(words='some'),
            dict(saliency_source='frame'),
            dict(recognition_source='frame'),
            dict(temperature=0),
            dict(prompt='no place for a name'),
        ],
    )
    def test_options_not_understood(self, option):
        ((name, value),) = option.items()
        with pytest.raises(ValueError) as error:
            build(**option)
        assert name in str(error.value) and str(value) in str(error.value)


def test_golden_class_list_is_used():
    head = build(fixture.CLASSES)
    assert head.prompts()[0] == 'This is a video about abseiling'


class TestReuse:
    """A frozen text encoder costs nothing per step."""

    def test_frozen_embeddings_are_made_once(self):
        head = build(words='name')
        first = head.embed_classes(with_words=True)
        assert head.embed_classes(with_words=True) is first

    def test_they_follow_the_choice_of_words(self):
        head, frames = build(words='name'), torch.randn(2, 8, 64)
        before = head.spot(frames)[1]
        head.words = 'sentence'
        assert not torch.allclose(head.spot(frames)[1], before)

    def test_they_follow_new_weights(self):
        head, other = build(), build()
        torch.nn.init.normal_(other.text_encoder.text.text_projection)
        before = head.embed_classes(with_words=False).sentence
        head.load_state_dict(other.state_dict())
        after = head.embed_classes(with_words=False).sentence
        assert not torch.allclose(before, after)

    def test_made_in_inference_mode_they_can_be_trained_against(self):
        head, frames = build(), torch.randn(2, 8, 64, requires_grad=True)
        with torch.inference_mode():
            head(frames)
        head(frames).sum().backward()
        assert frames.grad is not None
