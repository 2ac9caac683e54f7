"""What is shared is what was: the same predictions, in files that hold data alone."""

import json
from unittest import mock

import open_clip
import pytest
import timm
import torch
from mmaction.registry import MODELS

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.hub import allowed, reading, saving
from bike_mmaction.checkpoint import load_from_local
from bike_mmaction.datasets.pipeline_access import video_pipeline
from bike_mmaction.datasets.views import views_of
from bike_mmaction.errors import SharedModelError
from tests.kit.configs import load_config
from tests.kit.families import make_family
from tests.kit.models import FOUR_CLASSES, write_clip
from tests.kit.shared_models import ARCH, build, change, same, tiny_config


def load(folder, **options):
    return BIKEInferencer.from_pretrained(folder, device='cpu', workers=0, **options)


def files_of(folder):
    paths = [path for path in folder.rglob('*') if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def test_same_predictions_from_a_folder(bike, shared, frames):
    expected = bike(frames)[0]
    assert files_of(shared) == ['README.md', 'bike_config.json', 'model.safetensors']
    assert same(load(shared)(frames)[0], expected)
    named = BIKEInferencer(str(shared), device='cpu', workers=0)
    assert same(named(frames)[0], expected)


def test_shared_models_take_views(shared):
    assert views_of(load(shared, views='2x3').model.cfg.test_pipeline) == '2x3'


def test_classes_that_were_set_are_shared_without_the_threshold(tmp_path, frames):
    bike = build(tiny_config(), tmp_path)
    bike._threshold = 0.75
    bike.save_pretrained(tmp_path / 'own')
    assert load(tmp_path / 'own').threshold_for(None, None) == 0.75
    bike.set_classes(['sea', 'sun\x1b[2J'])
    bike.save_pretrained(tmp_path / 'other')
    again = load(tmp_path / 'other')
    assert again.classes == ['sea', 'sun\x1b[2J']
    assert again.threshold_for(None, None) == 0
    assert same(again(frames)[0], bike(frames)[0])


def test_large_weights_are_in_several_files(bike, shared, frames, copy_of):
    folder = copy_of(shared)
    with mock.patch.object(saving, 'MOST_BYTES', '1MB'):
        bike.save_pretrained(folder)
    weights = [name for name in files_of(folder) if name.startswith('model')]
    assert len(weights) >= 3
    assert weights[-1] == 'model.safetensors.index.json'
    assert same(load(folder)(frames)[0], bike(frames)[0])
    whole = load_from_local(str(shared / 'model.safetensors'))['state_dict']
    parts = load_from_local(str(folder / weights[-1]))['state_dict']
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    bike.save_pretrained(folder)  # and no rest of them is left behind
    assert files_of(folder) == files_of(shared)


def test_attributes_are_found_as_before(tmp_path, frames):
    model = tiny_config().model
    model.attributes_head = dict(
        type='AttributesTextHead', num_classes=4, class_names=FOUR_CLASSES, mlp=False
    )
    model.backbone.pretrained = write_clip(tmp_path / 'clip.pt', ARCH)
    model.association = dict(lexicon=['sea', 'wave', 'sun', 'grass'], topk=2)
    bike = build(tiny_config(**model), tmp_path)
    bike.save_pretrained(tmp_path / 'out')
    (tmp_path / 'clip.pt').unlink()
    expected = bike(frames)[0]
    assert len(expected.attributes) == 2
    assert same(load(tmp_path / 'out')(frames)[0], expected)


@pytest.mark.parametrize('family', ['siglip2', 'xlm_roberta'])
def test_tokenizers_and_towers_travel_with_it(family, bike, shared, tmp_path, frames):
    pytest.importorskip('transformers')
    there = tmp_path / 'there'
    there.mkdir()
    arch = make_family(family, there)
    config = tiny_config(arch, neck=None)
    config.model.cls_head.update(in_channels=arch['embed_dim'], saliency_source='class')
    with_them = build(config, tmp_path)
    with_them.save_pretrained(tmp_path / 'out')
    expected = with_them(frames)[0]
    there.rename(tmp_path / 'gone')
    assert same(load(tmp_path / 'out')(frames)[0], expected)
    load(tmp_path / 'out').save_pretrained(tmp_path / 'out')  # in place of itself
    assert same(load(tmp_path / 'out')(frames)[0], expected)
    for name in ('bike_config.json', 'README.md'):
        assert str(tmp_path) not in (tmp_path / 'out' / name).read_text()
    bike.save_pretrained(tmp_path / 'out')  # and no rest of them is left behind
    assert files_of(tmp_path / 'out') == files_of(shared)


def test_every_architecture_of_open_clip_may_be_shared():
    refused = {}
    for name in open_clip.list_models():
        try:
            allowed._check_arch(saving._arch(name), 'arch')
        except allowed.Refusal as error:
            tower = open_clip.get_model_config(name)['vision_cfg']
            if timm.is_model(tower.get('timm_model_name', '')):  # else it is too old
                refused[name] = str(error)
    assert not refused


def test_backbones_that_compute_while_they_are_built_may_be_shared():
    backbone = dict(type='torchvision.regnet_y_400mf')
    config = tiny_config(backbone=dict(type='PerFrameBackbone', backbone=backbone))
    described = reading._described('model', saving._without(config.model.to_dict()))
    real = MODELS.build(config.model).state_dict()
    assert {name: t.shape for name, t in described.state_dict().items()} == {
        name: t.shape for name, t in real.items()
    }


OTHER_BACKBONES = (
    'bike_mmpretrain_convnext_tiny_k400 bike_timm_vit_small_k400 '
    'bike_torchvision_resnet50_k400 vcs_resnet50_k400 vcs_slowonly_resnet50_k400 '
    'vcs_swin3d_tiny_k400 vcs_timesformer_k400 vcs_uniformerv2_vitb16_k400 '
    'vcs_videomae_vitb16_k400'
).split()


def test_shipped_models_of_other_backbones_may_be_shared():
    refused = {}
    for name in OTHER_BACKBONES:
        cfg = load_config(name)
        model = saving._without(cfg.model.to_dict())
        model['cls_head']['class_names'] = ['yoga']
        steps = [saving._plain(step) for step in saving._steps(video_pipeline(cfg))]
        try:
            allowed.check_model(model)
            allowed.check_pipeline(steps)
            model['cls_head']['num_classes'] = 1
            reading._described('model', model)  # without memory
        except (allowed.Refusal, SharedModelError) as error:
            refused[name] = str(error)
    assert not refused


def test_what_cannot_be_shared_is_named_before_anything_is_written(bike, tmp_path):
    with (
        mock.patch.dict(bike.model.cfg.model, type='mmdet.FasterRCNN'),
        pytest.raises(
            SharedModelError, match="cannot be shared: model.type='mmdet.FasterRCNN'"
        ),
    ):
        bike.save_pretrained(tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_the_card_says_what_was_measured_or_that_nothing_was(bike, tmp_path):
    results = dict(metrics={'acc/top1': 0.84115}, list=dict(file='/home/me/test.txt'))
    (tmp_path / 'results.json').write_text(json.dumps(results))
    bike.save_pretrained(tmp_path / 'one', tmp_path / 'results.json', 'mit')
    card = (tmp_path / 'one' / 'README.md').read_text()
    assert 'license: mit' in card and 'library_name: bike_mmaction' in card
    assert '| acc/top1 | 0.8411 |' in card and '/home/me' not in card
    with mock.patch.object(bike, '_classes', ['<script>`x`', 'a\nb\x1b']):
        bike.save_pretrained(tmp_path / 'two')
        card = (tmp_path / 'two' / 'README.md').read_text()
        assert 'Not measured' in card and 'license' not in card.split('---')[1]
        assert '- &lt;script&gt;\\`x\\`\n- a\\\\nb\\\\x1b\n' in card
        (tmp_path / 'two' / 'README.md').write_text('mine')
        bike.save_pretrained(tmp_path / 'two')
        assert (tmp_path / 'two' / 'README.md').read_text() == 'mine'
    with pytest.raises(SharedModelError, match='is no results.json of a test'):
        bike.save_pretrained(tmp_path / 'one', tmp_path / 'one' / 'bike_config.json')


def test_newer_formats_are_told(shared, copy_of):
    folder = copy_of(shared)
    change(folder, format=2)
    with pytest.raises(SharedModelError, match='format 2 is newer.*pip install -U'):
        load(folder)
