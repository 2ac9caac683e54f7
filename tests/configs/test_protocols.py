"""From official annotation files to trained and tested models."""

import glob
import hashlib
import os
import os.path as osp
import shutil

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.recipes import use_rawframes
from tests.golden import fixture
from tests.kit import ROOT
from tests.kit.configs import load_config, shrink, shrink_model
from tests.kit.models import TINY_ARCH
from tests.kit.official import write_official
from tests.kit.tools import convert_released, read_results, run_tool

GENERAL = [
    osp.relpath(path, ROOT)
    for path in sorted(glob.glob(osp.join(ROOT, 'configs', 'finetune', '*.py')))
]
# Frames, of each data set once.
ON_FRAMES = [
    p
    for p in GENERAL
    if '_336_' not in p and not p.endswith(('split2.py', 'split3.py'))
]
FEW_SHOT, ZERO_SHOT = (
    [
        osp.relpath(path, ROOT)
        for path in sorted(glob.glob(osp.join(ROOT, 'configs', folder, '*.py')))
    ]
    for folder in ('few_shot', 'zero_shot')
)
# A config of each data set, with its metrics.
ACCURACY = {'acc/top1', 'acc/top5', 'acc/mean1'}
DATA_SETS = dict(
    kinetics400=('bike_vitb32_k400', ACCURACY),
    kinetics600=('bike_vitl14_16f_k600', ACCURACY),
    ucf101=('bike_vitl14_16f_ucf101_split2', ACCURACY),
    hmdb51=('bike_vitl14_16f_hmdb51_split3', ACCURACY),
    activitynet=('bike_vitl14_16f_activitynet', ACCURACY | {'acc/mAP'}),
    charades=('bike_vitl14_16f_charades', {'acc/mAP'}),
)


def load(path):
    return Config.fromfile(osp.join(ROOT, path))


@pytest.mark.parametrize('name', DATA_SETS)
def test_whole_way(name, tmp_path):
    """One command each: prepare, train, test."""
    config, metrics = DATA_SETS[name]
    data, work = tmp_path / 'data', tmp_path / 'work'
    run_tool(
        'data/prepare',
        name,
        '--annotations',
        write_official(name, data),
        '--data-root',
        data,
    )
    cfg = shrink(load_config(config), str(data), work)
    cfg.dump(tmp_path / 'small.py')
    run_tool('train', tmp_path / 'small.py')
    run_tool(
        'test',
        tmp_path / 'small.py',
        work / 'epoch_1.pth',
        '--views',
        '4x1',
        '--work-dir',
        tmp_path / 'test',
    )
    results = read_results(tmp_path / 'test')
    assert set(results['metrics']) == metrics
    assert results['videos'] == dict(
        evaluated=results['list']['videos'], missing=0, undecodable=0, damaged=0
    )
    assert results['list']['videos'] >= 3 and results['views'] == '4x1'
    assert results['list'].get('without_label') == (1 if name == 'charades' else None)
    digest = hashlib.sha256((work / 'epoch_1.pth').read_bytes()).hexdigest()
    assert results['checkpoint']['sha256'] == digest


@pytest.mark.parametrize('options', [['--rawframes'], ['--frames', 'f{:07}.jpg']])
def test_of_frames_on_the_command_line(options, roots, tmp_path):
    cfg = load_config('bike_vitl14_16f_ucf101_split1')
    data = shutil.copytree(roots(cfg.data_root), tmp_path / 'data')
    if '--frames' in options:
        for path in glob.glob(f'{data}/rawframes/*/*/image_*.jpg'):
            os.rename(path, path.replace('image_', 'f000'))
    cfg = shrink(cfg, str(data), tmp_path / 'work')
    cfg.dump(tmp_path / 'small.py')
    run_tool('train', tmp_path / 'small.py', *options)
    run_tool(
        'test',
        tmp_path / 'small.py',
        tmp_path / 'work/epoch_1.pth',
        *options,
        '--work-dir',
        tmp_path / 'test',
    )
    results = read_results(tmp_path / 'test')
    assert results['list']['file'].endswith('ucf101_val_split1_list_rawframes.txt')
    assert results['videos']['evaluated'] == results['list']['videos']
    run_tool(
        'data/check_videos',
        tmp_path / 'small.py',
        *options,
        '--split',
        'val',
        '--workers',
        1,
    )  # all are usable


def test_frames_without_number(tmp_path):
    config = osp.join(ROOT, 'configs/finetune/bike_vitl14_16f_ucf101_split1.py')
    (tmp_path / 'some.pth').touch()
    for tool, args in (
        ('train', []),
        ('test', [tmp_path / 'some.pth']),
        ('data/check_videos', []),
    ):
        with pytest.raises(SystemExit, match="frames 'img.jpg': expected a "):
            run_tool(tool, config, *args, '--frames', 'img.jpg')


@pytest.mark.parametrize(
    'path,frames', [(p, False) for p in GENERAL] + [(p, True) for p in ON_FRAMES]
)
def test_general(path, frames, roots, tmp_path):
    cfg = load(path)
    name = osp.basename(path)[: -len('.py')]
    first = 'bike_vitl14_336_16f_k400' if '336' in name else 'bike_vitl14_16f_k400'
    epochs = load_config(first).train_cfg.max_epochs
    assert cfg.load_from == (
        None if name.endswith('_from_clip') else f'work_dirs/{first}/epoch_{epochs}.pth'
    )
    if frames:
        use_rawframes(cfg)
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    cfg.train_dataloader.dataset.indices = 2  # a step
    cfg.val_dataloader.dataset.indices = 1
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert scalars['train/loss'].statistics('mean') > 0
    metrics = runner.test()
    dataset = osp.basename(cfg.data_root)
    assert {m for m in metrics if 'videos/' not in m} == DATA_SETS[dataset][1]
    assert metrics['videos/missing'] == metrics['videos/undecodable'] == 0


@pytest.mark.parametrize('path', FEW_SHOT)
def test_few_shot(path, roots, tmp_path):
    cfg = load(path)
    shots = int(path[-len('Kshot.py')])
    dataset = cfg.train_dataloader.dataset
    assert (dataset.shots, dataset.seed) == (shots, 0)
    assert cfg.load_from is cfg.model.neck is None  # CLIP, and nothing else
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    counts = {}
    with open(own_dataset(cfg, 'train').ann_file) as file:
        for line in file:
            label = line.split()[-1]
            counts[label] = counts.get(label, 0) + 1
    with pytest.raises(ValueError, match=f'but shots={shots}'):
        DATASETS.build(dataset)  # most classes have no videos here
    dataset.allow_fewer = True
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert 'acc/top1' in runner.test()
    listed = (tmp_path / 'few_shot_list.txt').read_text().splitlines()
    assert len(listed) == sum(min(n, shots) for n in counts.values())


def test_released_few_shot_checkpoint(tmp_path):
    """It holds nothing but CLIP: without Transf their head has no tensors."""
    released = dict(fixture.checkpoint(), fusion_model_state_dict={})
    converted = convert_released(released, tmp_path)
    model = load_config('bike_vitl14_hmdb51_2shot').model
    model.backbone.arch = model.cls_head.text_encoder.arch = TINY_ARCH
    model.cls_head.update(num_classes=11, in_channels=64, class_names=fixture.CLASSES)
    model = MODELS.build(model).eval()
    load_checkpoint(model, converted, map_location='cpu')
    frames = fixture.frames(3).transpose(1, 2)[:, None]  # [3, 1, 3, T, H, W]
    with torch.no_grad():
        scores = model(frames, mode='tensor', stage='head')
    golden = np.load(osp.join(ROOT, 'tests/golden/video.npz'))
    np.testing.assert_allclose(scores, golden['cosine_None_VCS'], rtol=1e-4)


@pytest.mark.parametrize('path', ZERO_SHOT)
def test_zero_shot(path, roots, tmp_path):
    cfg = load(path)
    evaluator = 'frames' if '_frames' in path else 'video'
    assert (cfg.model.neck is None) == (evaluator == 'frames')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    if evaluator == 'frames':
        # A checkpoint of the whole model, with temporal transformer, fits.
        whole = load_config('bike_vitl14_k400').model
        shrink_model(whole)
        cfg.load_from = str(tmp_path / 'k400.pth')
        torch.save(dict(state_dict=MODELS.build(whole).state_dict()), cfg.load_from)
    metrics = Runner.from_cfg(cfg).test()
    # Two classes have videos: too few for halves.
    assert {m for m in metrics if 'videos/' not in m} == {
        f'zero_shot_{evaluator}/full_top{k}' for k in (1, 5)
    }
