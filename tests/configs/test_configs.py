"""Every shipped config trains and tests on real files, made small."""

import functools
import glob
import os.path as osp

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset
from bike_mmaction.models.clip.pipeline_fit import misfits, wanted_images
from bike_mmaction.recipes import use_clip, use_rawframes
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import is_known, shrink

# By name: of all that this open_clip knows, and without demo, other backbones and
# other image-text models.
PATHS = {
    osp.basename(path)[: -len('.py')]: path
    for path in sorted(
        glob.glob(osp.join(ROOT, 'configs', '**', '*.py'), recursive=True)
    )
    if '_base_' not in path and is_known(path)
}
NAMES = [
    name
    for name, path in PATHS.items()
    if osp.basename(osp.dirname(path)) not in ('demo', 'backbones', 'encoders')
]
# The others are trained and tested in test_protocols.py.
# Of FSDP the base is, and tests of it train others.
GENERAL_K400 = [
    name
    for name in NAMES
    if '_k400' in name and 'shot' not in name and '_fsdp_' not in name
]
FRAMES = {'16f': 16, '32f': 32}


@functools.cache
def load(name):
    """A config, not to be changed."""
    return Config.fromfile(PATHS[name])


@pytest.mark.parametrize('name', GENERAL_K400)
def test_trains_and_tests(name, data_root, tmp_path):
    cfg = shrink(Config.fromfile(PATHS[name]), data_root, tmp_path)
    cfg.train_dataloader.dataset.indices = 3
    cfg.val_dataloader.dataset.indices = 1
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert scalars['train/loss'].statistics('mean') > 0
    metrics = runner.test()
    branches = ['acc']
    if 'attributes_head' in cfg.model:
        branches += ['video', 'attributes']
    assert set(metrics) == {
        f'{branch}/{name}' for branch in branches for name in ('top1', 'top5', 'mean1')
    } | {f'videos/{n}' for n in ('evaluated', 'missing', 'undecodable')}
    assert metrics['videos/evaluated'] == 5
    assert runner.iter == 1  # three videos, two a batch; one is dropped


def test_names_are_unique():
    """They are given to tools without their folders."""
    paths = glob.glob(osp.join(ROOT, 'configs', '**', '*.py'), recursive=True)
    assert len(PATHS) == sum('_base_' not in path and is_known(path) for path in paths)


def check_attributes(name):
    cfg = load(name)
    plugged = 'plugplay' in name
    lexicon = 'imagenet1k' if 'in1k' in name else 'kinetics400'
    topk = 3 if '3attr' in name else 7 if '7attr' in name else 5
    mlp = cfg.model.attributes_head.get('mlp', True)
    assert mlp != (plugged or 'trained_attributes' in name)
    # Whatever is trained on them, they are those of one CLIP.
    assert cfg.model.association == dict(arch='ViT-L-14-quickgelu', pretrained='openai')
    for split in SPLITS:
        by_type = {t.type: t for t in cfg[f'{split}_dataloader'].dataset.pipeline}
        assert ('VideoInit' in by_type) == (plugged or split == 'test')
        if plugged and split == 'train':
            assert 'LoadAttributes' not in by_type
            continue
        loading = by_type['LoadAttributes']
        files = 'train' if split == 'train' else 'val'
        assert loading.topk == topk
        assert loading.ann_file == f'data/kinetics400/attributes_{lexicon}_{files}.json'
    if not plugged:
        check_second_stage(cfg)


def check_second_stage(cfg):
    """It starts from where its first stage ends."""
    first = osp.basename(osp.dirname(cfg.load_from))
    stage = load(first)
    assert cfg.load_from == osp.join(
        'work_dirs', first, f'epoch_{stage.train_cfg.max_epochs}.pth'
    )
    for part in ('backbone', 'neck', 'cls_head'):
        assert cfg.model.get(part) == stage.model.get(part)


def test_attributes_are_what_the_name_says():
    with collected() as check:
        for name in NAMES:
            if 'attr' in name or 'plugplay' in name:
                with check(name):
                    check_attributes(name)


def check_input(name, split, dataset):
    """T frames of the size in pixels; nothing where only attributes are read."""
    by_type = {t.type: t for t in dataset.pipeline}
    if by_type['PackActionInputs'].get('collect_keys') == ():
        return
    size = 336 if '_336_' in name else 224
    clip_len = next((FRAMES[key] for key in FRAMES if f'_{key}_' in name), 8)
    assert by_type['SparseSampleFrames'].clip_len == clip_len
    assert 'VideoDecode' in by_type and 'rawframes' not in dataset.ann_file
    if split == 'train':
        resized = [t.scale for t in dataset.pipeline if t.type.endswith('Resize')]
        assert resized[1] == (size, size)
    else:
        assert by_type['RoundedCenterCrop'].crop_size == size


def test_input_is_what_the_name_says():
    with collected() as check:
        for name in NAMES:
            cfg = load(name)
            for split in SPLITS:
                with check(f'{name}, {split}'):
                    assert ('336' in cfg.model.backbone.arch) == ('_336_' in name)
                    if cfg[f'{split}_dataloader'] is None:
                        assert 'zero_shot' in PATHS[name] and split != 'test'
                    else:
                        check_input(name, split, own_dataset(cfg, split))


def test_both_towers_are_of_one_arch():
    with collected() as check:
        for name in NAMES:
            model = load(name).model
            with check(name):
                assert model.backbone.arch == model.cls_head.text_encoder.arch
                assert model.backbone.pretrained == 'openai'
                assert model.cls_head.text_encoder.pretrained == 'openai'


def clip_towers(model):
    """All that see or read."""
    yield model.backbone
    for key in ('cls_head', 'attributes_head'):
        head = model.get(key) or {}
        for name in ('text_encoder', 'attributes_encoder'):
            yield head.get(name) or {}


def check_another_clip(cfg):
    """use_clip sets all towers, widths and pipelines, and nothing else."""
    channels = cfg.model.cls_head.in_channels
    use_clip(cfg, 'ViT-SO400M-14-SigLIP', 'webli')
    for tower in clip_towers(cfg.model):
        if tower.get('type') in ('CLIPImageEncoder', 'CLIPTextEncoder'):
            assert tower.arch == 'ViT-SO400M-14-SigLIP' and tower.pretrained == 'webli'
    if cfg.model.backbone.type == 'CLIPImageEncoder':
        assert wanted_images(cfg.model)
        channels = 1152
    assert cfg.model.cls_head.in_channels == channels
    assert misfits(cfg, SPLITS) == ''


def test_every_config_fits_its_weights_or_those_of_another_clip():
    """From videos, and from frames: what --rawframes of the tools does."""
    with collected() as check:
        for name, path in PATHS.items():
            cfg = Config.fromfile(path)
            with check(name):
                assert misfits(cfg, SPLITS) == ''
            use_rawframes(cfg)
            for split in SPLITS:
                if cfg.get(f'{split}_dataloader') is not None:
                    with check(f'{name}, {split}'):
                        check_frames(own_dataset(cfg, split))
            with check(f'{name}, another CLIP'):
                check_another_clip(cfg)


def check_frames(dataset):
    assert dataset.type in ('RawframeDataset', 'NamedFrameDataset')
    assert set(dataset.data_prefix) == {'img'}
    types = [t.type for t in dataset.pipeline]
    assert not {'VideoInit', 'VideoDecode', 'KeepSegment'} & set(types)
    if dataset.pipeline[-1].get('collect_keys') != ():
        assert 'RawFrameDecode' in types
