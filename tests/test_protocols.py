"""From official annotation files to trained and tested models."""
import glob
import hashlib
import itertools
import json
import os
import os.path as osp
import subprocess
import sys

import mmengine
import numpy as np
import pytest
import torch
from helpers import free_port, run_tool, shrink, shrink_model
from mmaction.registry import DATASETS, MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.runner import Runner
from official import write_official
from open_clip import CustomTextCLIP

from bike_mmaction.apis import few_shot, use_dataset, zero_shot
from bike_mmaction.datasets.catalog import CATALOG, find_dataset
from bike_mmaction.datasets.pipelines import own_dataset, use_rawframes

ROOT = osp.join(osp.dirname(osp.abspath(__file__)), '..')
GENERAL = [
    osp.relpath(path, ROOT)
    for path in sorted(glob.glob(osp.join(ROOT, 'configs', '*_16f_*.py')))
    if '_k400' not in path
]
# Frames, of each data set once.
ON_FRAMES = [
    p for p in GENERAL
    if '_336_' not in p and not p.endswith(('split2.py', 'split3.py'))
]
FEW_SHOT, ZERO_SHOT = ([
    osp.relpath(path, ROOT)
    for path in sorted(glob.glob(osp.join(ROOT, 'configs', folder, '*.py')))
] for folder in ('few_shot', 'zero_shot'))
# A config of each data set, with its metrics.
ACCURACY = {'acc/top1', 'acc/top5', 'acc/mean1'}
DATA_SETS = dict(
    kinetics400=('bike_vitb32_k400', ACCURACY),
    kinetics600=('bike_vitl14_16f_k600', ACCURACY),
    ucf101=('bike_vitl14_16f_ucf101_split2', ACCURACY),
    hmdb51=('bike_vitl14_16f_hmdb51_split3', ACCURACY),
    activitynet=('bike_vitl14_16f_activitynet', ACCURACY | {'acc/mAP'}),
    charades=('bike_vitl14_16f_charades', {'acc/mAP'}))


def load(path):
    return Config.fromfile(osp.join(ROOT, path))


def prepare(name, root):
    """Official files of a data set, and the lists made of them."""
    folder = write_official(name, root, rawframes=True)
    names = [name]
    if name == 'kinetics600':
        names.append('kinetics600_zeroshot')
    for name in names:
        for kind in ([], ['--rawframes', '--fps', 25]):
            run_tool('data/prepare', name, '--annotations', folder,
                     '--data-root', root, *kind)
    return str(root)


@pytest.fixture(scope='session')
def roots(tmp_path_factory):
    """Prepared data roots, by the ``data_root`` of the configs."""
    made = {}

    def get(data_root):
        if data_root not in made:
            name = osp.basename(data_root)
            made[data_root] = prepare(name, tmp_path_factory.mktemp(name))
        return made[data_root]

    return get


def read_results(folder):
    path, = glob.glob(f'{folder}/*/results.json')
    with open(path) as file:
        return json.load(file)


@pytest.mark.parametrize('name', DATA_SETS)
def test_whole_way(name, tmp_path):
    """One command each: prepare, train, test."""
    config, metrics = DATA_SETS[name]
    data, work = tmp_path / 'data', tmp_path / 'work'
    run_tool('data/prepare', name, '--annotations', write_official(name, data),
             '--data-root', data)
    cfg = shrink(load(f'configs/{config}.py'), str(data), work)
    cfg.dump(tmp_path / 'small.py')
    run_tool('train', tmp_path / 'small.py')
    run_tool('test', tmp_path / 'small.py', work / 'epoch_1.pth', '--views',
             '4x1', '--work-dir', tmp_path / 'test')
    results = read_results(tmp_path / 'test')
    assert set(results['metrics']) == metrics
    assert results['videos'] == dict(
        evaluated=results['list']['videos'], missing=0, undecodable=0)
    assert results['list']['videos'] >= 3 and results['views'] == '4x1'
    digest = hashlib.sha256((work / 'epoch_1.pth').read_bytes()).hexdigest()
    assert results['checkpoint']['sha256'] == digest


def test_of_frames_on_the_command_line(roots, tmp_path):
    cfg = load('configs/bike_vitl14_16f_ucf101_split1.py')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path / 'work')
    cfg.dump(tmp_path / 'small.py')
    run_tool('train', tmp_path / 'small.py', '--rawframes')
    run_tool('test', tmp_path / 'small.py', tmp_path / 'work/epoch_1.pth',
             '--rawframes', '--work-dir', tmp_path / 'test')
    listed = read_results(tmp_path / 'test')['list']
    assert listed['file'].endswith('ucf101_val_split1_list_rawframes.txt')


@pytest.mark.parametrize('path,frames',
                         [(p, False) for p in GENERAL] + [(p, True)
                                                          for p in ON_FRAMES])
def test_general(path, frames, roots, tmp_path):
    cfg = load(path)
    name = osp.basename(path)[:-len('.py')]
    first = 'bike_vitl14_336_16f_k400' if '336' in name else \
        'bike_vitl14_16f_k400'
    assert cfg.load_from == f'work_dirs/{first}/epoch_30.pth'
    assert osp.isfile(osp.join(ROOT, 'configs', f'{first}.py'))
    if frames:
        use_rawframes(cfg)
    runner = Runner.from_cfg(shrink(cfg, roots(cfg.data_root), tmp_path))
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
    assert cfg.load_from is None  # CLIP's own weights
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    counts = {}
    with open(own_dataset(cfg, 'train').ann_file) as file:
        for line in file:
            label = line.split()[-1]
            counts[label] = counts.get(label, 0) + 1
    if min(counts.values()) < shots:
        with pytest.raises(ValueError, match=f'but shots={shots}'):
            DATASETS.build(dataset)
        dataset.allow_fewer = True
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert 'acc/top1' in runner.test()
    listed = (tmp_path / 'few_shot_list.txt').read_text().splitlines()
    assert len(listed) == sum(min(n, shots) for n in counts.values())


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
        torch.save(
            dict(state_dict=MODELS.build(whole).state_dict()), cfg.load_from)
    metrics = Runner.from_cfg(cfg).test()
    # Two classes have videos: too few for halves.
    assert {m
            for m in metrics if 'videos/' not in m
            } == {f'zero_shot_{evaluator}/full_top{k}'
                  for k in (1, 5)}


@pytest.fixture(scope='module')
def splits(roots, tmp_path_factory):
    """Small configs of the three splits, and a checkpoint for all."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('splits')
    for i in (1, 2, 3):
        cfg = load(f'configs/zero_shot/bike_vitl14_k600_split{i}.py')
        cfg = shrink(cfg, roots(cfg.data_root), folder)
        cfg.dump(folder / f'split{i}.py')
    torch.manual_seed(2)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    configs = [str(folder / f'split{i}.py') for i in (1, 2, 3)]
    return folder, configs, str(folder / 'model.pth')


def test_splits_in_one_command(splits, tmp_path):
    """By one process and by two."""
    folder, configs, checkpoint = splits
    args = [*configs, '--checkpoints', checkpoint, '--views', '2x1']
    run_tool('test_splits', *args, '--work-dir', tmp_path / 'one')
    done = subprocess.run([
        'bash', 'tools/dist_test_splits.sh', '2', *args, '--work-dir',
        str(tmp_path / 'two')
    ],
                          cwd=ROOT,
                          env=dict(
                              os.environ,
                              PYTHON=sys.executable,
                              PORT=free_port()),
                          capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (
        json.loads((tmp_path / name / 'splits.json').read_text())
        for name in ('one', 'two'))
    assert one == two and set(one['runs']) == {'split1', 'split2', 'split3'}
    top5 = 'zero_shot_video/full_top5'
    values = [run[top5] for run in one['runs'].values()]
    assert one['average'][f'{top5}_mean'] == pytest.approx(np.mean(values))
    assert one['average'][f'{top5}_std'] == pytest.approx(np.std(values))
    for name, run in one['runs'].items():
        results = read_results(tmp_path / 'one' / name)
        assert results['metrics'][top5] == run[top5]
        assert results['views'] == '2x1'
    assert '| mean of 3 | 2x1 |' in done.stdout


def test_splits_refuses(splits, capsys):
    _, configs, checkpoint = splits
    with pytest.raises(SystemExit):
        run_tool('test_splits', *configs, '--checkpoints', checkpoint,
                 checkpoint)
    assert '3 configs, but 2 checkpoints' in capsys.readouterr().err
    with pytest.raises(SystemExit, match='two configs have the same name'):
        run_tool('test_splits', configs[0], configs[0], '--checkpoints',
                 checkpoint)


def test_options_of_a_test(splits, tmp_path):
    """Other classes need a list only; prompts and weights can vary."""
    folder, configs, _ = splits
    cfg = Config.fromfile(configs[0])
    torch.manual_seed(4)
    clip = CustomTextCLIP(**cfg.model.backbone.arch)
    torch.save(clip.state_dict(), tmp_path / 'clip.pt')
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = str(tmp_path / 'clip.pt')
    cfg.model.cls_head.average_clips = 'score'
    cfg.test_evaluator = dict(type='AccMetric')
    cfg.dump(tmp_path / 'small.py')
    names = tmp_path / 'names.csv'
    names.write_text('id,name\n0,a dog\n1,playing chess\n2,a car\n')
    data = own_dataset(cfg, 'test')
    listed = tmp_path / 'list.txt'
    with open(data.ann_file) as file:
        paths = [line.split()[0] for line in file]
    listed.write_text(''.join(f'{p} {i % 3}\n' for i, p in enumerate(paths)))
    found = {}
    for key, options in dict(
            plain=[],
            ensemble=['--prompt', 'actions'],
            clip=['--interpolate', '0'],
            between=['--interpolate', '0.5']).items():
        out = tmp_path / f'{key}.pkl'
        run_tool('test', tmp_path / 'small.py', folder / 'model.pth',
                 '--class-names', names, '--dump', out, '--work-dir',
                 tmp_path / key, *options, '--cfg-options',
                 f'test_dataloader.dataset.ann_file={listed}')
        found[key] = torch.stack([r['pred_score'] for r in mmengine.load(out)])
        assert found[key].shape == (len(paths), 3)
    # As the weights of CLIP itself, with the other tensors of the model.
    run_tool('test', tmp_path / 'small.py', folder / 'model.pth',
             '--class-names', names, '--dump', tmp_path / 'again.pkl',
             '--work-dir', tmp_path / 'again', '--interpolate', '0',
             '--prompt', 'This is a video about {}', '--cfg-options',
             f'test_dataloader.dataset.ann_file={listed}')
    again = torch.stack(
        [r['pred_score'] for r in mmengine.load(tmp_path / 'again.pkl')])
    torch.testing.assert_close(again, found['clip'])
    scores = list(found.values())
    assert not any(
        torch.allclose(a, b) for a, b in itertools.combinations(scores, 2))


@pytest.mark.parametrize(
    'option',
    [['--interpolate', '2'], ['--views', '5x2'], ['--interpolate', 'half']])
def test_unfit_options(option, capsys):
    with pytest.raises(SystemExit):
        run_tool('test', 'c.py', 'm.pth', *option)
    assert f'argument {option[0]}: ' in capsys.readouterr().err


def test_frames_of_charades():
    """Segments begin at an offset, files are called after their video."""
    cfg = load('configs/bike_vitl14_16f_charades.py')
    use_rawframes(cfg)
    train, test = own_dataset(cfg, 'train'), own_dataset(cfg, 'test')
    assert train.type == test.type == 'NamedFrameDataset'
    assert train.with_offset and 'with_offset' not in test
    assert test.multi_class and test.num_classes == 157
    assert train.filename_tmpl == test.filename_tmpl == '{video}-{:06}.jpg'
    assert 'KeepSegment' not in [t.type for t in train.pipeline]


@pytest.mark.parametrize('change,message', [
    (lambda cfg: use_dataset(cfg, 'ucf'), "dataset 'ucf' is unknown"),
    (lambda cfg: use_dataset(cfg, 'ucf101'), 'splits of ucf101 are .1, 2, 3'),
    (lambda cfg: use_dataset(cfg, 'charades', 1), 'not numbered'),
    (lambda cfg: zero_shot(cfg, 'hmdb51', 1, 'both'), "evaluator='both'"),
])
def test_impossible_configs(change, message):
    with pytest.raises(ValueError, match=message):
        change(load('configs/bike_vitl14_k400.py'))


def test_few_shots_of_any_data_set():
    cfg = load('configs/bike_vitl14_k400.py')
    cfg.custom_hooks = [dict(type='EMAHook')]
    few_shot(cfg, shots=3, seed=7)
    assert [h['type']
            for h in cfg.custom_hooks] == ['EMAHook', 'WriteFewShotList']
    assert own_dataset(cfg, 'train').type == 'VideoDataset'
    assert cfg.train_dataloader.dataset.seed == 7


def test_catalog_names_what_exists():
    from bike_mmaction.datasets.class_names import load_class_names
    for name in CATALOG:
        info = find_dataset(name)
        for split in info.splits or (None, ):
            source = info.classes(split)
            if name != 'kinetics600':  # of its official files
                assert len(load_class_names(source)) == info.num_classes
