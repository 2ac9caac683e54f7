"""Architectures and weights of open_clip, whatever their kind."""

import copy

import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from safetensors.torch import save_file

from bike_mmaction.models.clip.architectures import get_arch
from bike_mmaction.models.clip.weights import load_pretrained
from tests.golden import fixture
from tests.kit import models
from tests.kit.models import TINY_ARCH

TEXTS = ['a dog', 'somebody playing the violin']


def image_encoder(**kwargs):
    return MODELS.build(models.image_encoder(**kwargs))


def text_encoder(**kwargs):
    return MODELS.build(models.text_encoder(**kwargs))


class _Node(torch.nn.Module):
    """A scriptable module of named tensors, as OpenAI's archives are."""

    def forward(self, x):
        return x


def save_torchscript(state, path):
    root = _Node()
    for name, tensor in state.items():
        *parents, leaf = name.split('.')
        node = root
        for parent in parents:
            if not hasattr(node, parent):
                node.add_module(parent, _Node())
            node = getattr(node, parent)
        node.register_parameter(
            leaf, torch.nn.Parameter(tensor.half(), requires_grad=False)
        )
    for name, number in (
        ('input_resolution', 32),
        ('context_length', 77),
        ('vocab_size', 49408),
    ):
        root.register_buffer(name, torch.tensor(number))
    torch.jit.script(root).save(path)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """The same CLIP in each kind of file."""
    folder = tmp_path_factory.mktemp('weights')
    state = {k: v.half().float() for k, v in fixture.clip_state_dict().items()}
    custom = {
        k if k.startswith('visual.') or k == 'logit_scale' else f'text.{k}': v
        for k, v in state.items()
    }
    paths = {
        name: str(folder / name)
        for name in (
            'torchscript.pt',
            'plain.pt',
            'module.pt',
            'custom.pt',
            'plain.safetensors',
        )
    }
    save_torchscript(state, paths['torchscript.pt'])
    torch.save(state, paths['plain.pt'])
    torch.save(
        dict(state_dict={f'module.{k}': v for k, v in state.items()}),
        paths['module.pt'],
    )
    torch.save(custom, paths['custom.pt'])
    save_file(state, paths['plain.safetensors'])
    return paths


class TestPretrained:
    @pytest.mark.parametrize(
        'name',
        ['torchscript.pt', 'plain.pt', 'module.pt', 'custom.pt', 'plain.safetensors'],
    )
    def test_every_file_kind_gives_the_same_model(self, weights, name):
        model = open_clip.CLIP(**get_arch(TINY_ARCH)).eval()
        model.load_state_dict(torch.load(weights['plain.pt']))
        image = image_encoder(pretrained=weights[name]).eval()
        text = text_encoder(pretrained=weights[name]).eval()
        image.init_weights()
        text.init_weights()
        frames = fixture.frames(2)[:, 0]
        torch.testing.assert_close(image(frames), model.encode_image(frames))
        torch.testing.assert_close(
            text(TEXTS, with_words=True).sentence,
            model.encode_text(open_clip.tokenize(TEXTS)),
        )
        assert text.pretrained_logit_scale == model.logit_scale

    def test_constructors_read_nothing(self):
        image_encoder(pretrained='/nowhere.pt')
        text_encoder(pretrained='/nowhere.pt')

    def test_head_takes_over_the_logit_scale(self, weights):
        head = MODELS.build(
            dict(
                type='VCSHead',
                num_classes=2,
                in_channels=64,
                class_names=TEXTS,
                text_encoder=dict(
                    type='CLIPTextEncoder',
                    arch=TINY_ARCH,
                    pretrained=weights['plain.pt'],
                ),
            )
        )
        head.init_weights()
        assert head.logit_scale.exp().item() == pytest.approx(100, rel=1e-3)

    def test_custom_text_layout(self, weights):
        arch = dict(copy.deepcopy(TINY_ARCH), custom_text=True)
        loaded = load_pretrained(arch, weights['custom.pt'])
        assert loaded.text.text_projection.shape == (128, 64)

    def test_neither_file_nor_tag(self):
        encoder = image_encoder(arch='ViT-B-32-quickgelu', pretrained='opnai')
        with pytest.raises(ValueError, match="'opnai'.*openai"):
            encoder.init_weights()

    def test_weights_of_another_arch(self, weights):
        arch = copy.deepcopy(TINY_ARCH)
        arch['vision_cfg']['width'] = 192
        encoder = image_encoder(arch=arch, pretrained=weights['plain.pt'])
        with pytest.raises(RuntimeError) as error:
            encoder.init_weights()
        assert weights['plain.pt'] in str(error.value)
        assert 'does not fit' in str(error.value)

    def test_released_file(self, tmp_path):
        path = str(tmp_path / 'released.pt')
        torch.save(fixture.checkpoint(), path)
        with pytest.raises(RuntimeError, match='bike convert-checkpoint'):
            image_encoder(pretrained=path).init_weights()


class TestQuickGELU:
    def test_checkpoint_of_a_recognizer(self, tmp_path):
        path = str(tmp_path / 'epoch_1.pth')
        torch.save(dict(meta={}, state_dict={}), path)
        with pytest.raises(RuntimeError, match='checkpoint of MMEngine.*load_from'):
            load_pretrained(TINY_ARCH, path)

    def test_openai_archive_with_gelu_is_refused(self, weights):
        arch = dict(copy.deepcopy(TINY_ARCH), quick_gelu=False)
        encoder = image_encoder(arch=arch, pretrained=weights['torchscript.pt'])
        with pytest.raises(RuntimeError, match='QuickGELU.*quick_gelu=True'):
            encoder.init_weights()

    @pytest.mark.parametrize(
        'arch,tag',
        [('ViT-B-32', 'openai'), ('ViT-B-32-quickgelu', 'laion2b_s34b_b79k')],
    )
    def test_tag_of_the_other_activation(self, monkeypatch, arch, tag):
        monkeypatch.setattr(
            open_clip, 'download_pretrained', lambda *args, **kwargs: '/downloaded.bin'
        )
        monkeypatch.setitem(
            open_clip.pretrained._PRETRAINED,
            'ViT-B-32-quickgelu',
            dict(
                open_clip.pretrained._PRETRAINED['ViT-B-32-quickgelu'],
                laion2b_s34b_b79k=open_clip.get_pretrained_cfg(
                    'ViT-B-32', 'laion2b_s34b_b79k'
                ),
            ),
        )
        with pytest.raises(RuntimeError, match='QuickGELU'):
            load_pretrained(arch, tag)

    def test_activation_is_the_archs(self):
        frames = fixture.frames(1)[:, 0]
        results = []
        for quick_gelu in (True, False):
            torch.manual_seed(0)
            arch = dict(copy.deepcopy(TINY_ARCH), quick_gelu=quick_gelu)
            results.append(image_encoder(arch=arch)(frames))
        assert not torch.allclose(*results)


class TestArch:
    def test_unknown_name(self):
        with pytest.raises(ValueError, match="'ViT-L-15'.*ViT-L-14"):
            image_encoder(arch='ViT-L-15')

    def test_dict_without_a_key(self):
        with pytest.raises(ValueError, match='text_cfg'):
            image_encoder(arch=dict(embed_dim=64, vision_cfg=dict()))
