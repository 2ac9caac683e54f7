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

from bike_mmaction.datasets.catalog import CATALOG, find_dataset
from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset
from bike_mmaction.recipes import (
    few_shot,
    leave_out_video,
    set_clip_len,
    use_attributes,
    use_dataset,
    use_rawframes,
    zero_shot,
)
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
        evaluated=results['list']['videos'], missing=0, undecodable=0
    )
    assert results['list']['videos'] >= 3 and results['views'] == '4x1'
    assert results['list'].get('without_label') == (1 if name == 'charades' else None)
    digest = hashlib.sha256((work / 'epoch_1.pth').read_bytes()).hexdigest()
    assert results['checkpoint']['sha256'] == digest


@pytest.mark.parametrize('options', [['--rawframes'], ['--frames', 'f{:07}.jpg']])
def test_of_frames_on_the_command_line(options, roots, tmp_path):
    cfg = load('configs/finetune/bike_vitl14_16f_ucf101_split1.py')
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
    epochs = load(f'configs/{first}.py').train_cfg.max_epochs
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
    model = load('configs/few_shot/bike_vitl14_hmdb51_2shot.py').model
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
        whole = load('configs/bike_vitl14_k400.py').model
        shrink_model(whole)
        cfg.load_from = str(tmp_path / 'k400.pth')
        torch.save(dict(state_dict=MODELS.build(whole).state_dict()), cfg.load_from)
    metrics = Runner.from_cfg(cfg).test()
    # Two classes have videos: too few for halves.
    assert {m for m in metrics if 'videos/' not in m} == {
        f'zero_shot_{evaluator}/full_top{k}' for k in (1, 5)
    }


@pytest.mark.parametrize(
    'name,split,path',
    [
        ('ucf101', None, 'ucf101/ucf101_full'),
        ('ucf101', 2, 'ucf101/ucf101_val_split2'),
        ('hmdb51', None, 'hmdb51/hmdb51_full'),
        ('activitynet', None, 'activitynet/activitynet_full'),
        ('kinetics600_zeroshot', 3, 'kinetics600/kinetics600_zeroshot_test_split3'),
    ],
)
def test_what_zero_shot_tests(name, split, path):
    """All videos of a data set, as published, or those of a split."""
    for evaluator in ('frames', 'video'):
        cfg = load('configs/bike_vitl14_k400.py')
        zero_shot(cfg, name, split, evaluator)
        dataset = cfg.test_dataloader.dataset
        assert dataset.ann_file == f'data/{path}_list_videos.txt'
        assert dataset.type == 'VideoDataset'
        assert dataset.data_prefix.video.endswith(
            'videos_test' if '600' in name else f'{name}/videos'
        )


@pytest.mark.parametrize('frames', [False, True])
def test_activitynet_is_trained_on_segments(frames, roots, tmp_path):
    """Few-shot, too; tested on whole videos."""
    cfg = load('configs/few_shot/bike_vitl14_activitynet_5shot.py')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    cfg.train_dataloader.dataset.update(shots=4, allow_fewer=True)
    if frames:
        use_rawframes(cfg)
    few = DATASETS.build(cfg.train_dataloader.dataset)
    drawn = [line.split() for line in few.chosen()]
    assert [x[-1] for x in drawn] == ['1'] * 4 + ['199'] * 4
    with open(few.dataset.ann_file) as file:
        listed = [[x[0], *map(float, x[1:])] for x in map(str.split, file)]
    assert len(listed) == 9
    assert all([x[0], *map(float, x[1:])] in listed for x in drawn)
    for i in range(8):
        info = few.get_data_info(i)
        first, last = info.get('segment', (1, info.get('total_frames')))
        found = sampled(few.dataset, info)
        assert first - 1 < min(found) < max(found) <= last
        assert len(set(found)) >= 4  # of 8, at one frame a second
    test = DATASETS.build(own_dataset(cfg, 'test'))
    assert len(test) == 4
    assert max(sampled(test, test.get_data_info(0))) > 16  # of 24


def sampled(dataset, info):
    """Numbers of the frames that a pipeline reads."""
    for step in dataset.pipeline.transforms:
        info = step(info)
        if 'frame_inds' in info:
            return info['frame_inds'].tolist()
    raise AssertionError('no step reads frames')


def test_frames_of_charades():
    """Segments begin at an offset, files are called after their video."""
    train = own_dataset(load('configs/finetune/bike_vitl14_16f_charades.py'), 'train')
    assert [t.type for t in train.pipeline[:3]] == [
        'DecordInit',
        'KeepSegment',
        'SparseSampleFrames',
    ]
    cfg = load('configs/finetune/bike_vitl14_16f_charades.py')
    use_rawframes(cfg)
    train, test = own_dataset(cfg, 'train'), own_dataset(cfg, 'test')
    assert train.type == test.type == 'NamedFrameDataset'
    assert train.with_offset and 'with_offset' not in test
    assert test.multi_class and test.num_classes == 157
    assert train.filename_tmpl == test.filename_tmpl == '{video}-{:06}.jpg'
    assert 'KeepSegment' not in [t.type for t in train.pipeline]


@pytest.mark.parametrize(
    'change,message',
    [
        (lambda cfg: use_dataset(cfg, 'ucf'), "dataset 'ucf' is unknown"),
        (lambda cfg: use_dataset(cfg, 'ucf101'), 'splits of ucf101 are .1, 2, 3'),
        (lambda cfg: use_dataset(cfg, 'charades', 1), 'not numbered'),
        (lambda cfg: zero_shot(cfg, 'hmdb51', 1, 'both'), "evaluator='both'"),
        (lambda cfg: zero_shot(cfg, 'hmdb51', 4), 'splits of hmdb51 are .1, 2, 3'),
        (lambda cfg: zero_shot(cfg, 'kinetics600_zeroshot'), 'are .1, 2, 3'),
        (
            lambda cfg: use_rawframes(cfg) or use_dataset(cfg, 'charades'),
            'train_dataloader has a RawframeDataset.*use_rawframes last',
        ),
        (
            lambda cfg: use_rawframes(cfg) or zero_shot(cfg, 'ucf101'),
            'test_dataloader has a RawframeDataset.*use_rawframes last',
        ),
    ],
)
def test_impossible_configs(change, message):
    with pytest.raises(ValueError, match=message):
        change(load('configs/bike_vitl14_k400.py'))


@pytest.mark.parametrize(
    'before',
    [
        'bike_vitl14_16f_activitynet',
        'bike_vitl14_16f_charades',
        'bike_vitl14_activitynet_5shot',
    ],
)
@pytest.mark.parametrize(
    'after', ['ucf101_split1', 'hmdb51_split1', 'charades', 'activitynet']
)
def test_nothing_is_left_of_the_data_set_before(before, after):
    cfg = load_config(before)
    name, _, split = after.partition('_split')
    use_dataset(cfg, name, int(split) if split else None)
    expected = load(f'configs/finetune/bike_vitl14_16f_{after}.py')
    if 'shot' in before:
        drawing = cfg.train_dataloader.dataset
        assert drawing.num_classes == find_dataset(name).num_classes
        set_clip_len(cfg, 16)
    for split in SPLITS:
        assert own_dataset(cfg, split) == own_dataset(expected, split)
    assert cfg.test_evaluator == expected.test_evaluator


def test_segments_beside_attributes():
    cfg = load('configs/bike_vitb32_k400.py')
    use_attributes(cfg, dict(train='some.json'))
    use_dataset(cfg, 'activitynet')
    assert [t.type for t in own_dataset(cfg, 'train').pipeline[:3]] == [
        'LoadAttributes',
        'DecordInit',
        'KeepSegment',
    ]
    leave_out_video(cfg, ['train'])
    use_dataset(cfg, 'charades')
    assert [t.type for t in own_dataset(cfg, 'train').pipeline] == [
        'LoadAttributes',
        'PackActionInputs',
    ]


def test_other_shots_than_before():
    cfg = load('configs/few_shot/bike_vitl14_hmdb51_2shot.py')
    few_shot(cfg, shots=5, seed=3)
    expected = load('configs/few_shot/bike_vitl14_hmdb51_5shot.py')
    expected.train_dataloader.dataset.seed = 3
    assert cfg.train_dataloader == expected.train_dataloader
    assert cfg.custom_hooks == expected.custom_hooks


def test_charades_samples_from_the_segment(roots, tmp_path):
    cfg = load('configs/finetune/bike_vitl14_16f_charades.py')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    dataset = DATASETS.build(own_dataset(cfg, 'train'))
    steps = dataset.pipeline.transforms[:3]
    for i in range(len(dataset)):
        results = info = dataset.get_data_info(i)
        start, end = (25 * seconds for seconds in info['segment'])
        for step in steps:
            results = step(results)
        assert start - 1 < min(results['frame_inds'])
        assert max(results['frame_inds']) < min(end, 24)


def test_few_shots_of_any_data_set():
    cfg = load('configs/finetune/bike_vitl14_16f_ucf101_split1.py')
    cfg.custom_hooks = [dict(type='EMAHook')]
    assert cfg.model.neck and cfg.load_from
    few_shot(cfg, shots=3, seed=7)
    assert cfg.model.neck is cfg.load_from is None
    assert [h['type'] for h in cfg.custom_hooks] == ['EMAHook', 'WriteFewShotList']
    assert own_dataset(cfg, 'train').type == 'VideoDataset'
    assert cfg.train_dataloader.dataset.seed == 7


def test_catalog_names_what_exists():
    from bike_mmaction.datasets.class_names import load_class_names

    for name in CATALOG:
        info = find_dataset(name)
        for split in info.splits or (None,):
            source = info.classes(split)
            if name != 'kinetics600':  # of its official files
                assert len(load_class_names(source)) == info.num_classes
