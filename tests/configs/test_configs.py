"""Every shipped config trains and tests on real files, made small."""

import glob
import os.path as osp

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from bike_mmaction.datasets.pipeline_access import own_dataset
from tests.kit import ROOT
from tests.kit.configs import shrink

CONFIGS = sorted(
    osp.relpath(path, ROOT)
    for path in glob.glob(osp.join(ROOT, 'configs', '**', 'bike_*.py'), recursive=True)
    if not any(x in path for x in ('demo', '_base_', 'backbones'))
)
# The others are trained and tested in test_protocols.py.
GENERAL_K400 = [p for p in CONFIGS if '_k400' in p and 'shot' not in p]
FRAMES = {'16f': 16, '32f': 32}


def load(path):
    return Config.fromfile(osp.join(ROOT, path))


@pytest.mark.parametrize('path', GENERAL_K400)
def test_trains_and_tests(path, data_root, tmp_path):
    cfg = shrink(load(path), data_root, tmp_path)
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


@pytest.mark.parametrize('path', [p for p in CONFIGS if 'attr' in p])
def test_attributes_are_what_the_name_says(path):
    cfg = load(path)
    name, head = osp.basename(path), cfg.model.attributes_head
    plugged = 'plugplay' in name
    lexicon = 'imagenet1k' if 'in1k' in name else 'kinetics400'
    topk = 3 if '3attr' in name else 7 if '7attr' in name else 5
    assert head.get('mlp', True) != (plugged or 'trained_attributes' in name)
    # Whatever is trained on them, they are those of one CLIP.
    assert cfg.model.association == dict(arch='ViT-L-14-quickgelu', pretrained='openai')
    for split in ('train', 'val', 'test'):
        by_type = {t.type: t for t in cfg[f'{split}_dataloader'].dataset.pipeline}
        assert ('DecordInit' in by_type or 'RawFrameDecode' in by_type) == (
            plugged or split == 'test'
        )
        if plugged and split == 'train':
            assert 'LoadAttributes' not in by_type
            continue
        loading = by_type['LoadAttributes']
        files = 'train' if split == 'train' else 'val'
        assert loading.topk == topk
        assert loading.ann_file == f'data/kinetics400/attributes_{lexicon}_{files}.json'
    if not plugged:  # starts from where its first stage ends
        first = osp.basename(osp.dirname(cfg.load_from))
        stage = load(f'configs/{first}.py')
        assert cfg.load_from == osp.join(
            'work_dirs', first, f'epoch_{stage.train_cfg.max_epochs}.pth'
        )
        for part in ('backbone', 'neck', 'cls_head'):
            assert cfg.model.get(part) == stage.model.get(part)


@pytest.mark.parametrize('path', CONFIGS)
def test_input_is_what_the_name_says(path):
    cfg = load(path)
    name = osp.basename(path)
    clip_len = next((FRAMES[k] for k in FRAMES if f'_{k}_' in name), 8)
    size = 336 if '_336_' in name else 224
    assert ('336' in cfg.model.backbone.arch) == (size == 336)
    for split in ('train', 'val', 'test'):
        if cfg[f'{split}_dataloader'] is None:
            assert 'zero_shot' in path and split != 'test'
            continue
        dataset = own_dataset(cfg, split)
        by_type = {t.type: t for t in dataset.pipeline}
        if by_type.get('PackActionInputs').get('collect_keys') == ():
            continue  # attributes only
        assert by_type['SparseSampleFrames'].clip_len == clip_len
        if split == 'train':
            resized = [t.scale for t in dataset.pipeline if t.type.endswith('Resize')]
            assert resized[1] == (size, size)
        else:
            assert by_type['RoundedCenterCrop'].crop_size == size
        raw = name.endswith('_rawframes.py')
        assert ('RawFrameDecode' in by_type) == raw
        assert ('DecordDecode' in by_type) == (not raw)
        assert ('rawframes' in dataset.ann_file) == raw


@pytest.mark.parametrize('path', CONFIGS)
def test_both_towers_are_of_one_arch(path):
    model = load(path).model
    assert model.backbone.arch == model.cls_head.text_encoder.arch
    assert model.backbone.pretrained == 'openai'
    assert model.cls_head.text_encoder.pretrained == 'openai'
