import copy

import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from safetensors.torch import save_file

from bike_mmaction.models.pretrained import get_arch, load_pretrained
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
        with pytest.raises(RuntimeError, match='convert_checkpoint.py'):
            image_encoder(pretrained=path).init_weights()


class TestQuickGELU:
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
        found = []
        for quick_gelu in (True, False):
            torch.manual_seed(0)
            arch = dict(copy.deepcopy(TINY_ARCH), quick_gelu=quick_gelu)
            found.append(image_encoder(arch=arch)(frames))
        assert not torch.allclose(*found)


class TestImageEncoder:
    def test_clips_are_folded_frame_by_frame(self):
        encoder = image_encoder().eval()
        clip = torch.randn(2, 3, 5, 32, 32)
        found = encoder(clip)
        assert found.shape == (2, 5, 64)
        torch.testing.assert_close(found[1, 3], encoder(clip[1:, :, 3])[0])

    def test_images_of_another_size(self):
        with pytest.raises(ValueError, match='32x32.*48x32'):
            image_encoder()(torch.randn(1, 3, 48, 32))

    def test_checkpointing_changes_no_gradient(self):
        clip, grads = torch.randn(2, 3, 2, 32, 32), []
        for with_cp in (False, True):
            torch.manual_seed(0)
            encoder = image_encoder(with_cp=with_cp).train()
            encoder(clip).square().sum().backward()
            grads.append(encoder.visual.conv1.weight.grad)
        torch.testing.assert_close(*grads)

    def test_frozen_stays_as_it_is(self):
        encoder = image_encoder(frozen=True).train()
        assert not encoder.training
        assert not any(p.requires_grad for p in encoder.parameters())

    @pytest.mark.parametrize('arch', ['RN50', 'coca_ViT-B-32'])
    def test_other_towers_of_open_clip(self, arch):
        config = get_arch(arch)
        size = config['vision_cfg']['image_size']
        encoder = image_encoder(arch=arch).eval()
        with torch.no_grad():
            found = encoder(torch.randn(1, 3, 2, size, size))
        assert found.shape == (1, 2, config['embed_dim'])


class TestTextEncoder:
    def test_words_hold_the_sentence_at_its_end(self):
        encoder = text_encoder()
        found = encoder(TEXTS, with_words=True)
        end = encoder.tokenize(TEXTS).argmax(dim=1)
        assert found.words.shape == (2, 77, 64)
        torch.testing.assert_close(found.words[range(2), end], found.sentence)
        without = encoder(TEXTS, with_words=False)
        torch.testing.assert_close(without.sentence, found.sentence)
        assert without.words is None

    @pytest.mark.parametrize('frozen', [True, False])
    def test_padding_is_left_out_without_effect(self, frozen):
        encoder = text_encoder(frozen=frozen).train()
        lengths = []
        encoder.text.transformer.register_forward_pre_hook(
            lambda module, args: lengths.append(args[0].shape[1])
        )
        found = encoder(TEXTS, with_words=False, keep=False).sentence
        tokens = encoder.tokenize(TEXTS)
        whole = encoder.text(tokens)
        assert lengths == [int(tokens.argmax(dim=1).max()) + 1, 77]
        assert lengths[0] < 20
        torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-6)
        if not frozen:
            weight = torch.randn_like(whole)
            names, parameters = zip(*encoder.named_parameters())
            for name, a, b in zip(
                names,
                *[
                    torch.autograd.grad((x * weight).sum(), parameters)
                    for x in (found, whole)
                ],
            ):
                torch.testing.assert_close(
                    a, b, rtol=1e-4, atol=1e-5 * b.abs().max(), msg=name
                )

    @pytest.mark.parametrize(
        'change',
        [dict(no_causal_mask=True), dict(embed_cls=True), dict(pool_type='last')],
    )
    def test_padding_that_has_an_effect_stays(self, change):
        arch = dict(TINY_ARCH, text_cfg=dict(TINY_ARCH['text_cfg'], **change))
        encoder = text_encoder(arch=arch).eval()
        torch.testing.assert_close(
            encoder(TEXTS, with_words=False).sentence,
            encoder.text(encoder.tokenize(TEXTS)),
        )

    def test_many_texts_are_embedded_in_parts(self):
        encoder = text_encoder()
        texts = [f'text {i}' for i in range(23)]
        whole = encoder(texts, with_words=True, keep=False)
        encoder.max_batch = 5
        for with_words in (True, False):
            parts = encoder(texts, with_words=with_words, keep=False)
            torch.testing.assert_close(parts.sentence, whole.sentence)
        parts = encoder(texts, with_words=True, keep=False)
        torch.testing.assert_close(parts.words, whole.words)

    def test_frozen_encoder_works_once(self):
        encoder = text_encoder().train()
        first = encoder(TEXTS, with_words=True)
        assert encoder(TEXTS, with_words=True).sentence is first.sentence
        assert not first.sentence.requires_grad

    def test_other_texts_are_not_mistaken(self):
        encoder = text_encoder()
        first = encoder(TEXTS, with_words=False).sentence
        second = encoder(TEXTS[::-1], with_words=False).sentence
        torch.testing.assert_close(first, second.flip(0))

    def test_cache_is_dropped_on_load_state_dict(self):
        encoder, other = text_encoder(), text_encoder()
        stale = encoder(TEXTS, with_words=False).sentence
        holder = torch.nn.ModuleDict(dict(head=encoder))
        holder.load_state_dict({f'head.{k}': v for k, v in other.state_dict().items()})
        fresh = encoder(TEXTS, with_words=False).sentence
        torch.testing.assert_close(fresh, other(TEXTS, with_words=False).sentence)
        assert not torch.allclose(fresh, stale)

    def test_cache_is_dropped_when_the_encoder_trains(self):
        encoder = text_encoder(frozen=False).eval()
        stale = encoder(TEXTS, with_words=False).sentence
        encoder.train()
        loss = encoder(TEXTS, with_words=False).sentence.square().sum()
        loss.backward()
        torch.optim.SGD(encoder.parameters(), 0.1).step()
        fresh = encoder.eval()(TEXTS, with_words=False).sentence
        assert not torch.allclose(fresh, stale)

    def test_cached_embeddings_can_be_trained_against(self):
        encoder = text_encoder()
        with torch.inference_mode():
            encoder(TEXTS, with_words=False)
        x = torch.randn(3, 64, requires_grad=True)
        (x @ encoder(TEXTS, with_words=False).sentence.t()).sum().backward()
        assert x.grad is not None

    def test_cache_is_of_one_precision(self):
        encoder = text_encoder()
        single = encoder(TEXTS, with_words=False).sentence
        double = encoder.double()(TEXTS, with_words=False).sentence
        assert (single.dtype, double.dtype) == (torch.float32, torch.float64)

    def test_old_name_of_an_argument(self):
        encoder = text_encoder()
        with pytest.warns(FutureWarning, match='argument words is now with_words'):
            words = encoder(TEXTS, words=True).words
        torch.testing.assert_close(words, encoder(TEXTS, with_words=True).words)

    def test_cache_is_bounded(self):
        encoder = text_encoder()
        for i in range(10):
            encoder([str(i)], with_words=False)
        assert len(encoder.memory) == encoder.max_cached


class TestArch:
    def test_unknown_name(self):
        with pytest.raises(ValueError, match="'ViT-L-15'.*ViT-L-14"):
            image_encoder(arch='ViT-L-15')

    def test_dict_without_a_key(self):
        with pytest.raises(ValueError, match='text_cfg'):
            image_encoder(arch=dict(embed_dim=64, vision_cfg=dict()))
