"""What images weights want, and that use_clip gives them these."""

import json
from unittest import mock

import numpy as np
import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image

from bike_mmaction.apis.inference.sources import Source, SourceReader
from bike_mmaction.compat import torch_version
from bike_mmaction.models.clip.architectures import get_arch
from bike_mmaction.models.clip.preprocessing import preprocessing_of
from bike_mmaction.models.clip.weight_files import tag_of
from bike_mmaction.recipes import use_clip
from tests.kit.checks import collected
from tests.kit.configs import load_config
from tests.kit.families import build_whole
from tests.kit.models import TINY_ARCH, WIDTH

HALF = dict(mean=[0.5] * 3, std=[0.5] * 3)
ONE = dict(mean=[0.0] * 3, std=[1.0] * 3)
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
VIT = dict(image_size=32, patch_size=16, width=WIDTH, layers=2, head_width=32)
TIMM = dict(image_size=64, timm_proj='linear')
POOLED = dict(attentional_pool=True, attn_pooler_queries=4, attn_pooler_heads=2)
# Image towers of the families, each with the preprocessing of its weights.
TOWERS = {
    'clip': (VIT, dict(interpolation='bicubic')),
    'resnet': (dict(VIT, patch_size=None, layers=[1, 1, 1, 1]), dict()),
    'coca': (dict(VIT, output_tokens=True, **POOLED), dict()),
    'convnext': (dict(TIMM, timm_model_name='test_convnext'), dict()),
    'siglip': (
        dict(TIMM, timm_model_name='test_vit', timm_pool='avg'),
        dict(HALF, resize_mode='squash'),
    ),
    'pe_core': (VIT, dict(HALF, interpolation='bilinear', resize_mode='squash')),
    'clipa': (VIT, dict(IMAGENET, interpolation='bilinear', resize_mode='squash')),
    'mobileclip': (VIT, dict(ONE, interpolation='bilinear')),
    'oblong': (dict(VIT, image_size=[32, 48]), dict(resize_mode='squash')),
}


def write_folder(folder, vision_cfg, preprocess):
    """Random weights with a config beside them; the name of their place."""
    text = dict(TINY_ARCH['text_cfg'], vocab_size=100)  # no text is read
    arch = dict(embed_dim=WIDTH, custom_text=True, vision_cfg=vision_cfg, text_cfg=text)
    content = dict(model_cfg=arch, preprocess_cfg=preprocess)
    folder.mkdir()
    (folder / 'open_clip_config.json').write_text(json.dumps(content))
    weights = build_whole(arch).state_dict()
    save_file(weights, folder / 'open_clip_model.safetensors')
    return f'local-dir:{folder}'


@torch.no_grad()
def check_tower(cfg, picture, place):
    """Of a picture of 640x427 pixels, by a shipped config and by open_clip.

    Each pixel at most one level of 255 apart; of the same pixels, the same
    embedding.
    """
    use_clip(cfg, place)
    read = SourceReader(cfg.test_pipeline)
    packed = read(Source('array', np.stack([picture] * 8)))
    processor = MODELS.build(cfg.model.data_preprocessor)
    ours = processor(dict(inputs=[packed['inputs']], data_samples=None))['inputs']
    ours = ours[0, 0].transpose(0, 1)[:1]  # [1, 3, H, W]
    whole, _, prepare = open_clip.create_model_and_transforms(place)
    theirs = prepare(Image.fromarray(picture))[None]
    std = torch.tensor(whole.visual.preprocess_cfg['std']).view(3, 1, 1)
    levels = (255 * std * (ours - theirs)).abs()
    assert levels.max() < 1.01 and levels.mean() < 0.1
    encoder = MODELS.build(cfg.model.backbone).eval()
    encoder.init_weights()
    expected = whole.eval().encode_image(theirs)
    expected = expected[0] if isinstance(expected, tuple) else expected  # tokens
    torch.testing.assert_close(encoder(theirs), expected, atol=1e-5, rtol=0)


def test_images_and_embeddings_are_those_of_open_clip(tmp_path):
    picture = load_sample_image('china.jpg')
    cfg = load_config('bike_vitb16_vcs_k400')  # each after the one before
    with collected() as check:
        for name, (vision_cfg, preprocess) in TOWERS.items():
            with check(name):
                check_tower(
                    cfg, picture, write_folder(tmp_path / name, vision_cfg, preprocess)
                )


def test_tags_are_prepared_as_by_open_clip():
    """All by its entries; one of each kind by the model that it builds."""
    kinds = {}
    for arch, tag in open_clip.list_pretrained():
        entry, images = tag_of(arch, tag), preprocessing_of(arch, tag)
        told = images._asdict()
        size = told.pop('size')
        assert told == {key: entry[key] for key in told}, (arch, tag)
        if 'hf_model_name' not in get_arch(arch)['text_cfg']:  # it is not here
            kinds.setdefault(tuple(told.values()), (arch, tag, size))
    assert len(kinds) > 5
    if torch_version() < (2, 2):
        return  # timm's layers are built by values, which are not there on meta
    for arch, tag, size in kinds.values():
        # Nothing is downloaded, and no memory taken.
        without = mock.patch('open_clip.factory.download_pretrained', return_value='')
        with without, torch.device('meta'):
            model = open_clip.create_model(arch, tag, device='meta', load_weights=False)
        built = model.visual.preprocess_cfg['size']
        assert size == (tuple(built) if np.ndim(built) else (built, built)), arch


def test_what_is_not_told_is_not_known(tmp_path):
    (tmp_path / 'bare.bin').write_bytes(b'PK')
    assert preprocessing_of(TINY_ARCH, str(tmp_path / 'bare.bin')) is None
    assert preprocessing_of('ViT-B-32-quickgelu', None) is None
    assert preprocessing_of('ViT-B-32-quickgelu', 'opnai') is None


@pytest.mark.parametrize(
    'told, words',
    [
        (dict(mean=[0.5, 0.5]), r'preprocess_cfg.mean=\[0.5, 0.5\], expected three'),
        (dict(std=0), 'preprocess_cfg.std=0, expected three numbers from 1e-06'),
        (dict(mean=[122.8, 116.7, 104.1]), 'expected three numbers from 0 to 1'),
        (dict(std=float('inf')), 'expected three numbers from 1e-06 to 1'),
        (dict(interpolation='nearest'), "'nearest', expected one of bicubic, bil"),
        (dict(resize_mode='crop'), "'crop', expected one of shortest, longest, sq"),
    ],
)
def test_nonsense_is_refused_by_file_and_key(tmp_path, told, words):
    path = tmp_path / 'open_clip_config.json'
    path.write_text(json.dumps(dict(preprocess_cfg=told)))
    with pytest.raises(ValueError, match=f'open_clip_config.json: .*{words}'):
        preprocessing_of(TINY_ARCH, str(tmp_path))
