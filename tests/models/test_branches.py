"""A recognizer with an attributes branch, alone or beside the other."""

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.logging import MMLogger
from mmengine.runner import load_checkpoint

from tests.golden import fixture
from tests.kit.models import (
    TINY_ARCH,
    attributes_branch,
    both_branches,
    video_branch,
    write_checkpoint,
)

TEXT = dict(type='CLIPTextEncoder', arch=TINY_ARCH)
NAMES = fixture.CLASSES


def build(video=True, attributes=True, head=None, **kwargs):
    """``head``: options of the attributes branch."""
    if not (video or attributes):
        config = dict(type='CLIPRecognizer')
    elif not attributes:
        config = video_branch(NAMES, **kwargs)
    elif video:
        config = both_branches(NAMES, head, **kwargs)
    else:
        config = attributes_branch(NAMES, head, **kwargs)
    return MODELS.build(config).eval()


def samples(attributes=fixture.ATTRIBUTES):
    batch = []
    for i, phrases in enumerate(attributes):
        sample = ActionDataSample(metainfo=dict(filename=f'video{i}.mp4'))
        sample.set_gt_label(i)
        if phrases is not None:
            sample.set_field(list(phrases), 'attributes')
        batch.append(sample)
    return batch


def videos(batch=3, views=2):
    return torch.randn(batch, views, 3, 8, 32, 32)


class TestFusion:
    @pytest.mark.parametrize('weight', [0, 0.3, 0.7, 1])
    def test_weighted_sum_of_the_branches(self, weight):
        model, inputs = build(fusion_weight=weight), videos()
        cosines = model(inputs, mode='tensor', stage='head')  # [B·V, K]
        video = cosines.double().softmax(-1).view(3, 2, -1).mean(1)
        predicted = model(inputs, samples(), mode='predict')
        for sample, v, phrases in zip(predicted, video, fixture.ATTRIBUTES):
            a = model.attributes_head([phrases])[0].double().softmax(-1)
            torch.testing.assert_close(sample.video_score, v)
            torch.testing.assert_close(sample.attributes_score, a)
            expected = weight * v + (1 - weight) * a
            torch.testing.assert_close(sample.pred_score, expected)
            assert sample.pred_label == expected.argmax()

    def test_cosines_can_be_fused_instead(self):
        model = build(head=dict(average_clips='score'), video=False)
        model.attributes_head.average_clips = 'score'
        predicted = model({}, samples(), mode='predict')
        torch.testing.assert_close(
            torch.stack([s.pred_score for s in predicted]),
            model.attributes_head(fixture.ATTRIBUTES).double(),
        )

    def test_video_without_attributes_is_left_to_the_video_branch(self):
        model, inputs = build(), videos()
        batch = samples([fixture.ATTRIBUTES[0], [], fixture.ATTRIBUTES[2]])
        predicted = model(inputs, batch, mode='predict')
        assert 'attributes_score' not in predicted[1]
        torch.testing.assert_close(predicted[1].pred_score, predicted[1].video_score)
        assert not torch.allclose(predicted[0].pred_score, predicted[0].video_score)

    def test_batch_without_video_is_left_to_the_attributes(self):
        predicted = build()({}, samples(), mode='predict')
        for sample in predicted:
            assert 'video_score' not in sample
            torch.testing.assert_close(sample.pred_score, sample.attributes_score)

    def test_video_branch_alone_scores_as_ever(self):
        model, inputs = build(attributes=False), videos()
        predicted = model(inputs, samples(), mode='predict')
        for sample in predicted:
            torch.testing.assert_close(
                sample.pred_score, sample.video_score.softmax(-1)
            )

    def test_other_heads_can_be_fused(self):
        model = build(head=dict(text_encoder=TEXT))
        model.cls_head = MODELS.build(
            dict(
                type='TSNHead',
                num_classes=len(NAMES),
                in_channels=64,
                average_clips='prob',
            )
        )
        model.cls_head.predict = lambda feats, batch, **kwargs: [
            s.set_pred_score(torch.eye(len(NAMES)).double()[4]) for s in batch
        ]
        predicted = model(videos(), samples(), mode='predict')
        assert [s.pred_label.item() for s in predicted] == [4, 4, 4]


class TestTraining:
    def losses(self, model, inputs=None):
        model.train()
        inputs = videos(views=1) if inputs is None else inputs
        return model(inputs, samples(), mode='loss')

    def test_both_branches(self):
        model = build()
        losses = self.losses(model)
        assert {'loss_cls', 'attributes_loss_cls'} < set(losses)
        (losses['loss_cls'] + losses['attributes_loss_cls']).backward()
        assert model.backbone.visual.proj.grad.abs().sum() > 0
        assert model.attributes_head.query_fc[0].weight.grad is not None

    def test_second_stage_leaves_the_video_branch_as_it_is(self):
        model = build(train_branches=['attributes'])
        losses = self.losses(model, {})  # nothing is decoded
        assert set(losses) == {
            'attributes_loss_cls',
            'attributes_top1_acc',
            'attributes_top5_acc',
        }
        losses['attributes_loss_cls'].backward()
        trained = {n for n, p in model.named_parameters() if p.requires_grad}
        assert trained == {n for n, p in model.named_parameters() if p.grad is not None}
        assert all(n.startswith('attributes_head.') for n in trained)
        assert not model.backbone.training and not model.cls_head.training
        assert model.attributes_head.training

    def test_plug_and_play_trains_the_video_branch(self):
        model = build(head=dict(mlp=False))
        assert model.train_branches == ('video',)
        assert 'attributes_loss_cls' not in self.losses(model)

    def test_attributes_alone(self):
        model = build(video=False)
        losses = self.losses(model, {})
        losses['attributes_loss_cls'].backward()
        assert model.attributes_head.sentence_fc[0].weight.grad is not None

    def test_video_that_is_needed(self):
        with pytest.raises(ValueError, match='no video.*collect_keys'):
            self.losses(build(), {})


class TestCheckpoints:
    def test_shared_text_encoder_is_saved_once(self):
        model = build()
        assert model.attributes_head.text_encoder is model.cls_head.text_encoder
        names = {n for n in model.state_dict() if n.startswith('attributes')}
        assert len(names) == 9 and not any('encoder' in n for n in names)
        assert len(list(model.parameters())) == len(list(model.state_dict()))

    def test_plug_and_play_takes_any_video_checkpoint(self, tmp_path):
        path = write_checkpoint(build(attributes=False), tmp_path / 'video.pth')
        load_checkpoint(build(head=dict(mlp=False)), path)

    def test_second_stage_starts_from_a_video_checkpoint(self, tmp_path):
        first = build(attributes=False)
        path = write_checkpoint(first, tmp_path / 'video.pth')
        model = build(train_branches=['attributes'])
        load_checkpoint(model, path)
        assert torch.equal(model.backbone.visual.proj, first.backbone.visual.proj)

    def test_second_stage_begins_with_mlps_as_released(self, tmp_path):
        first = write_checkpoint(build(attributes=False), tmp_path / 'first.pth')
        model = build(train_branches=['attributes'])
        model.init_weights()  # the runner's order
        load_checkpoint(model, first, map_location='cpu')
        head = model.attributes_head
        for mlp in (head.query_fc, head.sentence_fc):
            for linear in (mlp[0], mlp[2]):
                std = linear.weight.std().item()
                assert std == pytest.approx(0.02, rel=0.06)
                assert not linear.bias.any()

    def test_untrained_branch_is_not_tested(self, tmp_path):
        path = write_checkpoint(build(attributes=False), tmp_path / 'video.pth')
        model = build(train_branches=['attributes'])
        load_checkpoint(model, path)
        with pytest.raises(RuntimeError, match='branch is untrained.*mlp'):
            model(videos(), samples(), mode='predict')
        model.train()({}, samples(), mode='loss')
        model.eval()(videos(), samples(), mode='predict')

    def test_weights_of_clip_do_not_train_it(self):
        model = build()
        model.init_weights()
        with pytest.raises(RuntimeError, match='branch is untrained'):
            model(videos(), samples(), mode='predict')
        load_state = build().state_dict()
        model.load_state_dict(load_state)
        model(videos(), samples(), mode='predict')

    def test_second_stage_without_the_first_is_noticed(self, caplog):
        model = build(train_branches=['attributes'])
        MMLogger.get_instance('second stage').addHandler(caplog.handler)
        model.train()({}, samples(), mode='loss')
        assert 'no checkpoint of it was loaded' in caplog.text

    def test_part_of_a_branch_does_not_do(self, tmp_path):
        model = build(train_branches=['attributes'])
        state = model.state_dict()
        del state['attributes_head.query_fc.0.weight']
        torch.save(dict(state_dict=state), tmp_path / 'torn.pth')
        with pytest.raises(RuntimeError, match='query_fc.0.weight'):
            load_checkpoint(model, str(tmp_path / 'torn.pth'))


class TestErrors:
    def test_nothing_is_known(self):
        with pytest.raises(ValueError, match='video0.*neither'):
            build(video=False)({}, samples([[]]), mode='predict')

    @pytest.mark.parametrize(
        'kwargs,message',
        [
            (dict(fusion_weight=1.5), 'fusion_weight=1.5'),
            (dict(train_branches=['audio']), "train_branches=.*'audio'"),
            (dict(train_branches=[]), 'train_branches'),
            (dict(video=False, train_branches='video'), 'only|can train'),
            (
                dict(head=dict(mlp=False), train_branches=['attributes']),
                r"can train \('video',\)",
            ),
            (
                dict(head=dict(num_classes=2, class_names=['a', 'b'])),
                'same num_classes.*11.*2',
            ),
            (dict(head=dict(class_names=NAMES[::-1])), 'same class_names'),
            (dict(head=dict(average_clips='score')), 'same average_clips'),
            (dict(video=False, head=dict(text_encoder=None)), 'text_encoder'),
            (dict(video=False, attributes=False), 'attributes_head'),
        ],
    )
    def test_unfit_options(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            build(**kwargs)
