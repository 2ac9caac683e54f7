import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.runner import load_checkpoint

from bike_mmaction.models.clip import weights
from tests.golden import fixture
from tests.kit.models import (
    TINY_ARCH,
    image_encoder,
    temporal_transformer,
    text_encoder,
    video_branch,
    write_checkpoint,
    write_clip,
)


def build(arch=TINY_ARCH, neck=True, **kwargs):
    config = video_branch(
        fixture.CLASSES,
        dict(text_encoder=text_encoder(arch=arch)),
        backbone=image_encoder(arch=arch),
        neck=temporal_transformer(num_layers=6) if neck else None,
        **kwargs,
    )
    return MODELS.build(config).eval()


class TestForward:
    def test_stages(self):
        model, inputs = build(), torch.randn(2, 3, 3, 8, 32, 32)
        shapes = [
            tuple(model(inputs, mode='tensor', stage=stage).shape)
            for stage in ('backbone', 'neck', 'head')
        ]
        assert shapes == [(6, 8, 64), (6, 8, 64), (6, 11)]

    def test_one_score_per_video_from_its_own_views(self):
        model, inputs = build(), torch.randn(2, 3, 3, 8, 32, 32)
        both = model(inputs, [ActionDataSample() for _ in '12'], mode='predict')
        one = model(inputs[1:], [ActionDataSample()], mode='predict')
        assert both[0].pred_score.shape == (11,)
        torch.testing.assert_close(both[1].pred_score, one[0].pred_score)
        assert both[1].pred_label == both[1].pred_score.argmax()

    def test_max_testing_views_changes_only_memory(self):
        model, inputs = build(), torch.randn(1, 6, 3, 8, 32, 32)
        expected = model(inputs, [ActionDataSample()], mode='predict')
        model.test_cfg = dict(max_testing_views=4)
        predicted = model(inputs, [ActionDataSample()], mode='predict')
        torch.testing.assert_close(predicted[0].pred_score, expected[0].pred_score)

    def test_training_step_reaches_every_trained_tensor(self):
        model, inputs = build().train(), torch.randn(3, 1, 3, 8, 32, 32)
        samples = [ActionDataSample().set_gt_label(y) for y in (0, 4, 0)]
        losses = model(inputs, samples, mode='loss')
        assert set(losses) == {'loss_cls', 'top1_acc', 'top5_acc'}
        losses['loss_cls'].backward()
        without = [
            name
            for name, p in model.named_parameters()
            if p.requires_grad and p.grad is None
        ]
        assert without == []
        assert not any(
            p.requires_grad for p in model.cls_head.text_encoder.parameters()
        )

    def test_widths_that_differ(self):
        config = dict(type='CLIPImageEncoder', arch='ViT-B-32-quickgelu')
        with pytest.raises(ValueError, match='in_channels=64.*512'):
            MODELS.build(
                dict(
                    type='CLIPRecognizer',
                    backbone=config,
                    cls_head=dict(
                        type='VCSHead',
                        num_classes=1,
                        in_channels=64,
                        class_names=['running'],
                        text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
                    ),
                )
            )

    def test_neck_of_another_width(self):
        with pytest.raises(ValueError, match='neck.embed_dims=32.*64'):
            MODELS.build(
                dict(
                    type='CLIPRecognizer',
                    backbone=dict(type='CLIPImageEncoder', arch=TINY_ARCH),
                    neck=dict(type='TemporalTransformer', embed_dims=32, num_heads=2),
                )
            )

    @pytest.mark.parametrize(
        'name,value',
        [('arch', dict(TINY_ARCH, quick_gelu=False)), ('pretrained', 'a.pt')],
    )
    def test_towers_of_two_clips(self, name, value):
        config = dict(type='CLIPImageEncoder', arch=TINY_ARCH)
        head = dict(
            type='VCSHead',
            num_classes=1,
            in_channels=64,
            class_names=['running'],
            text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
        )
        with pytest.warns(UserWarning, match=f'backbone.{name}='):
            MODELS.build(
                dict(
                    type='CLIPRecognizer',
                    backbone={**config, name: value},
                    cls_head=head,
                )
            )


class TestCheckpoints:
    def test_round_trip(self, tmp_path):
        model, other = build(), build()
        load_checkpoint(other, write_checkpoint(model, tmp_path / 'a.pth'))
        inputs = torch.randn(1, 1, 3, 8, 32, 32)
        torch.testing.assert_close(
            model(inputs, mode='tensor', stage='head'),
            other(inputs, mode='tensor', stage='head'),
        )

    def test_of_another_arch(self, tmp_path):
        arch = copy.deepcopy(TINY_ARCH)
        arch['vision_cfg'].update(width=192)
        path = write_checkpoint(build(arch), tmp_path / 'a.pth')
        with pytest.raises(RuntimeError) as error:
            load_checkpoint(build(), path)
        for part in ('backbone.visual', '(192', '(128', 'arch'):
            assert part in str(error.value)

    def test_of_another_arch_with_older_torch(self, tmp_path, monkeypatch):
        """Before 2.5 the hook is not public yet."""
        public = 'register_load_state_dict_pre_hook'
        monkeypatch.delattr(torch.nn.Module, public, raising=False)
        self.test_of_another_arch(tmp_path)

    @pytest.mark.parametrize(
        'saved,loaded,problem',
        [(True, False, 'not in the model'), (False, True, 'not in the checkpoint')],
    )
    def test_with_or_without_neck(self, saved, loaded, problem, tmp_path):
        path = write_checkpoint(build(neck=saved), tmp_path / 'a.pth')
        with pytest.raises(RuntimeError) as error:
            load_checkpoint(build(neck=loaded), path)
        assert problem in str(error.value)
        assert 'neck.frame_position_embeddings' in str(error.value)

    def test_parts_may_be_optional(self, tmp_path):
        path = write_checkpoint(build(neck=True), tmp_path / 'a.pth')
        model = build(neck=False, optional=['neck.'])
        load_checkpoint(model, path)
        path = write_checkpoint(model, tmp_path / 'b.pth')
        load_checkpoint(build(neck=True, optional=['neck.']), path)


def test_weights_of_both_towers_are_read_once(tmp_path, monkeypatch):
    """And anew for another model; nothing that is random depends on it."""
    path, read, files = str(tmp_path / 'clip.pt'), weights.read_state_dict, []
    write_clip(path)
    monkeypatch.setattr(
        weights, 'read_state_dict', lambda path: files.append(path) or read(path)
    )
    head = dict(text_encoder=text_encoder(pretrained=path))
    backbone = image_encoder(pretrained=path)
    config = video_branch(fixture.CLASSES, head, backbone=backbone)
    model, state = MODELS.build(config), torch.get_rng_state()
    model.init_weights()
    assert files == [path] and state.equal(torch.get_rng_state())
    expected = read(path)
    words = model.cls_head.text_encoder.text.token_embedding.weight
    assert model.backbone.visual.conv1.weight.equal(expected['visual.conv1.weight'])
    assert words.equal(expected['token_embedding.weight'])
    MODELS.build(config).init_weights()
    assert files == [path, path]
