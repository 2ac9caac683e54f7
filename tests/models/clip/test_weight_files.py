"""Weights from anywhere: folders, the Hub's cache, shards; and what is refused."""

import copy
import json
import os
import pickle

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from bike_mmaction.models.clip.architectures import get_arch
from bike_mmaction.models.clip.preprocessing import preprocessing_of
from bike_mmaction.models.clip.weight_files import about_weights
from bike_mmaction.models.clip.weights import check_activation, load_pretrained
from tests.kit.checks import collected
from tests.kit.families import build_whole, make_family
from tests.kit.hub import Hub, calling
from tests.kit.models import TINY_ARCH, tiny_arch

INDEX = 'model.safetensors.index.json'


def write_config(folder, **preprocess):
    folder.mkdir(exist_ok=True)
    content = dict(model_cfg=TINY_ARCH, preprocess_cfg=preprocess)
    (folder / 'open_clip_config.json').write_text(json.dumps(content))


def write_shards(folder, weights):
    """Two files and their index, as the Hub has large models."""
    names = sorted(weights)
    places = {}
    for i, part in enumerate((names[::2], names[1::2])):
        file = f'model-{i}.safetensors'
        save_file({name: weights[name] for name in part}, folder / file)
        places.update(dict.fromkeys(part, file))
    (folder / INDEX).write_text(json.dumps(dict(weight_map=places)))


@pytest.fixture(scope='module')
def whole():
    return build_whole(TINY_ARCH)


@pytest.fixture(scope='module')
def folder(tmp_path_factory, whole):
    """With one file, or as 'shards'."""
    root = tmp_path_factory.mktemp('anywhere')
    write_config(root / 'one', mean=[0.25] * 3)
    save_file(whole.state_dict(), root / 'one' / 'open_clip_model.safetensors')
    write_config(root / 'shards', mean=[0.25] * 3)
    write_shards(root / 'shards', whole.state_dict())
    return root


def same(model, expected):
    """Also where open_clip leaves memory as it was, in a decoder of CoCa."""
    state = model.state_dict()
    return all(
        torch.equal(weight.nan_to_num(), state[name].nan_to_num())
        for name, weight in expected.state_dict().items()
    )


def test_every_place_gives_the_same_model(folder, whole):
    one = f'local-dir:{folder}/one'
    places = [
        (TINY_ARCH, str(folder / 'one')),
        (TINY_ARCH, str(folder / 'shards')),
        (TINY_ARCH, str(folder / 'shards' / INDEX)),
        (one, one),
    ]
    with collected() as check:
        for arch, pretrained in places:
            with check(pretrained):
                assert same(load_pretrained(arch, pretrained), whole)


def test_repositories_give_the_same_model(folder, whole, tmp_path):
    """By the Hub's protocol; then from what was downloaded."""
    names = ('hf-hub:me/one', 'hf-hub:me/shards')
    with Hub() as hub, collected() as check:
        for name in ('one', 'shards', 'torn'):
            hub.add_folder(
                f'me/{name}', folder / ('shards' if name == 'torn' else name)
            )
        del hub.repos['me/torn'].files['model-1.safetensors']
        with calling(hub.url, tmp_path):
            for name in names:
                with check(name):
                    assert about_weights(TINY_ARCH, name) is None  # not at hand yet
                    assert same(load_pretrained(name, name), whole)
                    assert same(load_pretrained(TINY_ARCH, name), whole)
                    assert preprocessing_of(name, name).mean[0] == 0.25
            with check('a file is missing'), pytest.raises(RuntimeError) as error:
                load_pretrained(TINY_ARCH, 'hf-hub:me/torn')
            with check('it is named'):
                assert 'model-1.safetensors' in str(error.value)
            hub.requests.clear()
            with check('the architecture is asked for once'):
                get_arch(names[0])
                assert not hub.requests
        with check('offline'), calling(hub.url, tmp_path, offline=True):
            assert same(load_pretrained(names[1], names[1]), whole)


def test_layouts_are_read_as_open_clip_reads_them(tmp_path):
    """Of families with positions, scales and names of their own."""
    with collected() as check:
        for family in ('mobileclip', 'coca', 'siglip2', 'roberta'):
            (tmp_path / family).mkdir()
            arch = make_family(family, tmp_path / family)
            path = str(tmp_path / f'{family}.pt')
            weights = build_whole(arch).state_dict()
            weights['logit_scale'] = weights['logit_scale'].reshape(1)
            torch.save(dict(state_dict=weights), path)
            expected = build_whole(arch, seed=1)
            open_clip.load_checkpoint(expected, path)
            with check(family):
                assert same(load_pretrained(arch, path), expected)


def big_vision_arrays(arch, prefix):
    """What big_vision has of a SigLIP of 64 channels: random, by its names."""
    d, text = 64, arch['text_cfg']
    attention = {f'{n}/kernel': (d, 2, d // 2) for n in ('query', 'key', 'value')}
    attention.update({f'{n[:-7]}/bias': (2, d // 2) for n in attention})
    attention.update({'out/kernel': (2, d // 2, d), 'out/bias': (d,)})

    def block(place, norms, width):
        shapes = {f'MlpBlock_0/Dense_{i}/bias': (n,) for i, n in enumerate((width, d))}
        shapes['MlpBlock_0/Dense_0/kernel'] = (d, width)
        shapes['MlpBlock_0/Dense_1/kernel'] = (width, d)
        for name, shape in attention.items():
            shapes[f'MultiHeadDotProductAttention_0/{name}'] = shape
        for norm in norms:
            shapes.update({f'{norm}/{n}': (d,) for n in ('scale', 'bias')})
        return {f'{place}/{name}': shape for name, shape in shapes.items()}

    norms = ('LayerNorm_0', 'LayerNorm_1')
    shapes = {
        'img/embedding/kernel': (16, 16, 3, d),
        'img/embedding/bias': (d,),
        'img/cls': (1, 1, d),
        'img/pos_embedding': (1, 101, d),
        'img/MAPHead_0/probe': (1, 1, d),
        'txt/Embed_0/embedding': (text['vocab_size'], d),
        'txt/pos_embedding': (1, text['context_length'], d),
        'txt/head/kernel': (d, d),
        'txt/head/bias': (d,),
        'b': (1,),
        't': (1,),
        **block('img/MAPHead_0', norms[:1], 3 * d),
    }
    for name in ('img/Transformer', 'txt/Encoder_0'):
        shapes.update({f'{name}/encoder_norm/{n}': (d,) for n in ('scale', 'bias')})
    for i in range(6):
        shapes.update(block(f'img/Transformer/encoderblock_{i}', norms, 3 * d))
    for i in range(text['layers']):
        shapes.update(block(f'txt/Encoder_0/encoderblock_{i}', norms, 4 * d))
    draw = np.random.default_rng(0)
    return {
        f'{prefix}{name}': draw.standard_normal(shape).astype('f')
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize('prefix', ['params/', ''])
def test_arrays_of_big_vision(tmp_path, prefix):
    arch = make_family('siglip', tmp_path)
    arch['vision_cfg'] = dict(
        image_size=160, timm_model_name='test_vit', timm_pool='map', timm_proj='none'
    )
    path = str(tmp_path / 'siglip.npz')
    np.savez(path, **big_vision_arrays(arch, prefix))
    expected = build_whole(arch)
    open_clip.load_checkpoint(expected, path)
    assert same(load_pretrained(arch, path), expected)


class Foreign:
    def __reduce__(self):
        return os.mkdir, ('was_run',)


def bad_files(whole, folder):
    """Each with what the message must have beside its name."""
    shards = dict(weight_map={'logit_scale': 'm.safetensors'})
    cut = (folder / 'one' / 'open_clip_model.safetensors').read_bytes()[:5000]
    return {
        'empty.safetensors': (b'', 'empty'),
        'cut.safetensors': (cut, 'damaged'),
        'text.bin': (b'<html>not found</html>', 'damaged'),
        'foreign.bin': (pickle.dumps(Foreign()), 'mkdir'),
        'number.bin': (dict(epoch=3), "'epoch', which is no tensor"),
        'none.pth': ({}, 'no tensor'),
        'list.pt': ([1], 'holds a list'),
        'hf.safetensors': ({'text_model.x': torch.ones(1)}, 'transformers'),
        f'a.{INDEX}': (b'{"weight_map": ', 'not JSON'),
        f'b.{INDEX}': (json.dumps(shards).encode(), 'no m.safetensors'),
        f'c.{INDEX}': (
            b'{"weight_map": {"x": "../m.safetensors"}}',
            'no file beside it',
        ),
        f'd.{INDEX}': (b'{"weight_map": {"x": "/m.safetensors"}}', 'no file beside it'),
        f'e.{INDEX}': (b'{"weight_map": {"x": 3}}', 'no file beside it'),
        f'f.{INDEX}': (b'{}', 'weight_map'),
        'empty.npz': (b'', 'no .npz'),
        'other.npz': (dict(x=np.ones(1)), "'img/embedding/kernel'"),
        'pickled.npz': (dict(x=np.array([Foreign()])), "'img/embedding/kernel'"),
    }


def test_other_files_are_refused_by_name(whole, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with collected() as check:
        for name, (content, words) in bad_files(whole, folder).items():
            path = str(tmp_path / name)
            if isinstance(content, bytes):
                (tmp_path / name).write_bytes(content)
            elif name.endswith('.npz'):
                np.savez(path, **content)
            elif name.endswith('.safetensors'):
                save_file(content, path)
            else:
                torch.save(content, path)
            with check(name):
                with pytest.raises(RuntimeError) as error:
                    load_pretrained(TINY_ARCH, path)
                assert words in str(error.value) and name in str(error.value)
                assert 'does not fit' not in str(error.value)
    assert not os.path.exists('was_run')


def test_other_folders_are_refused(folder, tmp_path):
    write_config(tmp_path / 'without')
    (tmp_path / 'without' / 'weights.safetensors').mkdir()
    write_config(tmp_path / 'several')
    for name in 'ab':
        save_file({name: torch.ones(1)}, tmp_path / 'several' / f'{name}.safetensors')
    (tmp_path / 'bare').mkdir()
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken' / 'open_clip_config.json').write_text('[]')
    cases = {
        'without': 'none',
        'several': "'a.safetensors', 'b.safetensors'",
        'bare': 'open_clip_config.json',
        'broken': 'model_cfg',
    }
    with collected() as check:
        for name, words in cases.items():
            with check(name), pytest.raises(ValueError) as error:
                load_pretrained(TINY_ARCH, str(tmp_path / name))
            with check(f'{name}, its words'):
                assert words in str(error.value) and name in str(error.value)
        for name in ('bare', 'broken', 'nowhere'):
            with check(f'arch {name}'), pytest.raises(ValueError, match=name):
                get_arch(f'local-dir:{tmp_path}/{name}')


def test_offline_hub_is_named():
    with pytest.raises(RuntimeError, match="'hf-hub:me/none'.*local-dir:FOLDER"):
        load_pretrained(TINY_ARCH, 'hf-hub:me/none')


def test_activation_beside_a_file_counts(folder):
    arch = dict(tiny_arch(), quick_gelu=False)
    with pytest.raises(RuntimeError, match='was trained with QuickGELU'):
        load_pretrained(arch, str(folder / 'one' / 'open_clip_model.safetensors'))


def test_tags_of_the_other_activation_are_refused_and_no_others():
    """Each of these is also a tag of the same architecture '-quickgelu'."""
    refused = set()
    for arch, tag in open_clip.list_pretrained():
        try:
            check_activation(arch, get_arch(arch), tag)
        except RuntimeError:
            refused.add((arch, tag))
    assert refused == {
        (arch, tag)
        for arch, tag in open_clip.list_pretrained()
        if tag in open_clip.list_pretrained_tags_by_model(f'{arch}-quickgelu')
    }
    assert ('ViT-B-32', 'openai') in refused


@pytest.mark.parametrize('size', ['32', None, 0, -1, 3.5, [32, 32, 32]])
def test_sizes_that_are_none_are_named(size):
    for part, key in (
        ('vision_cfg.', 'image_size'),
        ('text_cfg.', 'width'),
        ('', 'embed_dim'),
    ):
        arch = copy.deepcopy(TINY_ARCH)
        (arch[part[:-1]] if part else arch)[key] = size
        with pytest.raises(ValueError, match=f'arch.{part}{key}=.*: expected a pos'):
            get_arch(arch)
