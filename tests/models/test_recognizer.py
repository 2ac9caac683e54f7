import argparse
import copy
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.runner import load_checkpoint

from bike_mmaction.checkpoint import from_released, to_released
from bike_mmaction.compat import torch_version
from tests.golden import fixture
from tests.kit.models import (
    TINY_ARCH,
    image_encoder,
    temporal_transformer,
    text_encoder,
    video_branch,
    write_checkpoint,
)
from tests.kit.tools import run_process


def build(arch=TINY_ARCH, neck=True, **kwargs):
    config = video_branch(
        fixture.CLASSES,
        dict(text_encoder=text_encoder(arch=arch)),
        backbone=image_encoder(arch=arch),
        neck=temporal_transformer(num_layers=6) if neck else None,
        **kwargs,
    )
    return MODELS.build(config).eval()


@contextmanager
def serve(folder):
    """An HTTP server on this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


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
        found = model(inputs, [ActionDataSample()], mode='predict')
        torch.testing.assert_close(found[0].pred_score, expected[0].pred_score)

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

    def test_http(self, tmp_path, monkeypatch):
        monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
        model, other = build(), build()
        (tmp_path / 'files').mkdir()
        write_checkpoint(model, tmp_path / 'files' / 'model.pth')
        torch.save(fixture.checkpoint(), tmp_path / 'files' / 'released.pt')
        with serve(tmp_path / 'files') as url:
            load_checkpoint(other, f'{url}/model.pth')
            with pytest.raises(RuntimeError, match='convert_checkpoint.py'):
                load_checkpoint(other, f'{url}/released.pt')
            with pytest.raises(RuntimeError, match='none.pth.*404'):
                load_checkpoint(other, f'{url}/none.pth')
        for name, tensor in other.state_dict().items():
            assert torch.equal(tensor, model.state_dict()[name])
        load_checkpoint(other, f'{url}/model.pth')  # cached, no server

    @pytest.mark.skipif(
        torch_version() < (2, 6), reason='older torch unpickles without restriction'
    )
    def test_types_other_than_weights_are_not_loaded(self, tmp_path):
        path = str(tmp_path / 'a.pth')
        torch.save(dict(state_dict={}, meta=argparse.Namespace()), path)
        with pytest.raises(RuntimeError, match='holds a argparse.Namespace'):
            load_checkpoint(build(), path)

    def test_released_file_given_unconverted(self, tmp_path):
        path = str(tmp_path / 'released.pt')
        torch.save(fixture.checkpoint(), path)
        with pytest.raises(RuntimeError) as error:
            load_checkpoint(build(), path)
        assert f'tools/convert_checkpoint.py {path}' in str(error.value)

    def test_missing_file(self):
        with pytest.raises(FileNotFoundError, match='nowhere.pth'):
            load_checkpoint(build(), 'nowhere.pth')

    def test_file_that_is_none(self, tmp_path):
        path = tmp_path / 'a.pth'
        path.write_bytes(b'no checkpoint')
        with pytest.raises(RuntimeError, match='cannot read.*a.pth'):
            load_checkpoint(build(), str(path))


class TestConversion:
    @pytest.mark.parametrize('prefix', ['', 'module.'])
    def test_every_tensor_is_used_and_the_inverse_gives_them_back(self, prefix):
        released = fixture.checkpoint(prefix=prefix)
        done = from_released(released)
        assert done.unused == []
        assert set(done.checkpoint['state_dict']) == set(build().state_dict())
        back = to_released(done.checkpoint)
        assert back.unused == []
        for part in ('model_state_dict', 'fusion_model_state_dict'):
            for name, tensor in released[part].items():
                torch.testing.assert_close(
                    back.checkpoint[part][name[len(prefix) :]], tensor
                )
        assert back.checkpoint['epoch'] == released['epoch']

    def test_tensors_without_a_place_are_named(self):
        released = fixture.checkpoint()
        released['fusion_model_state_dict']['surprise.weight'] = torch.ones(1)
        released['model_state_dict']['input_resolution'] = torch.tensor(32)
        released['model_state_dict']['other.weight'] = torch.ones(1)
        assert from_released(released).unused == [
            'model_state_dict/input_resolution',
            'model_state_dict/other.weight',
            'fusion_model_state_dict/surprise.weight',
        ]

    def run(self, *args):
        return run_process(sys.executable, 'tools/convert_checkpoint.py', *args)

    def test_tool_reports_key_by_key(self, tmp_path, monkeypatch, repository):
        monkeypatch.chdir(repository)
        src, dst, back = (tmp_path / n for n in ('a.pt', 'b.pth', 'c.pt'))
        torch.save(fixture.checkpoint(), src)
        done = self.run(src, dst)
        assert done.returncode == 0, done.stderr
        assert (
            'fusion_model_state_dict/frame_position_embeddings.weight -> '
            'neck.frame_position_embeddings.weight'
        ) in done.stdout
        assert ', 0 not used; ' in done.stdout
        assert self.run(dst, back, '--inverse').returncode == 0
        assert (
            torch.load(back)['model_state_dict'].keys()
            == fixture.checkpoint()['model_state_dict'].keys()
        )

    @pytest.mark.parametrize(
        'content,message',
        [
            (None, 'does not exist'),
            (dict(state_dict={}), "'model_state_dict' is missing"),
            ([1, 2], 'holds a list'),
        ],
    )
    def test_tool_refuses_other_files(
        self, content, message, tmp_path, monkeypatch, repository
    ):
        monkeypatch.chdir(repository)
        src = tmp_path / 'a.pt'
        if content is not None:
            torch.save(content, src)
        done = self.run(src, tmp_path / 'b.pth')
        assert done.returncode == 1
        assert str(src) in done.stderr and message in done.stderr
        assert 'Traceback' not in done.stderr
