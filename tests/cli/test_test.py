"""Options of a test, and tests of several splits in one command."""

import itertools
import json
import os.path as osp

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from open_clip import CustomTextCLIP

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.evaluation.dump_files import load_dump
from tests.kit import ROOT
from tests.kit.configs import load_config, shrink, shrink_images
from tests.kit.models import write_clip
from tests.kit.tools import read_results, run_tool, run_well


@pytest.fixture(scope='module')
def splits(roots, tmp_path_factory):
    """Small configs of the three splits, and a checkpoint for all."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('splits')
    for i in (1, 2, 3):
        cfg = load_config(f'bike_vitl14_k600_split{i}')
        cfg = shrink(cfg, roots(cfg.data_root), folder)
        cfg.test_evaluator[0].topk = tuple(range(1, 160, 3))
        cfg.dump(folder / f'split{i}.py')
    torch.manual_seed(2)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    configs = [str(folder / f'split{i}.py') for i in (1, 2, 3)]
    return folder, configs, str(folder / 'model.pth')


def read(folder):
    return json.loads((folder / 'splits.json').read_text())


def test_splits_in_one_command(splits, tmp_path):
    """By one process and by two."""
    folder, configs, checkpoint = splits
    args = [*configs, '--checkpoints', checkpoint, '--views', '2x1']
    run_tool('test_splits', *args, '--work-dir', tmp_path / 'one')
    printed = run_well(
        'bash', 'tools/dist_test_splits.sh', 2, *args, '--work-dir', tmp_path / 'two'
    )
    one, two = read(tmp_path / 'one'), read(tmp_path / 'two')
    assert one == two and set(one['runs']) == {'split1', 'split2', 'split3'}
    differ = 0
    for key in one['runs']['split1']['metrics']:
        values = [run['metrics'][key] for run in one['runs'].values()]
        differ += len(set(values)) > 1
        assert one['average'][f'{key}_mean'] == pytest.approx(np.mean(values))
        assert one['average'][f'{key}_std'] == pytest.approx(np.std(values))
    assert differ
    for name, run in one['runs'].items():
        assert run == read_results(tmp_path / 'one' / name)
        assert run['views'] == '2x1'
    assert '| split1 | 2x1 | 4 of 4 |' in printed
    assert '| mean of 3 |' in printed


def test_seeds_in_one_command(splits, tmp_path, capsys):
    """One config, two checkpoints; a video that is missing is told."""
    folder, configs, checkpoint = splits
    other = tmp_path / 'other.pth'
    state = torch.load(checkpoint)['state_dict']
    torch.save(dict(state_dict={k: -v for k, v in state.items()}), other)
    with open(own_dataset(Config.fromfile(configs[0]), 'test').ann_file) as f:
        (tmp_path / 'list.txt').write_text(f'{f.read()}gone.mp4 0\n')
    run_tool(
        'test_splits',
        configs[0],
        '--checkpoints',
        checkpoint,
        other,
        '--work-dir',
        tmp_path,
        '--cfg-options',
        f'test_dataloader.dataset.ann_file={tmp_path}/list.txt',
    )
    runs = read(tmp_path)['runs']
    assert set(runs) == {'split1', 'split1_2'}
    assert runs['split1_2']['checkpoint']['file'] == str(other)
    printed = capsys.readouterr().out
    assert '| split1_2 | 1x1 | 4 of 5 |' in printed
    assert 'split1: 1 videos were not evaluated' in printed


def test_what_splits_refuses(splits, tmp_path, capsys):
    _, configs, checkpoint = splits
    with pytest.raises(SystemExit):
        run_tool('test_splits', *configs, '--checkpoints', checkpoint, checkpoint)
    assert '3 configs, but 2 checkpoints' in capsys.readouterr().err
    (tmp_path / 'splits.json').write_text('of before')
    with pytest.raises(SystemExit, match="none.pth' does not exist"):
        run_tool(
            'test_splits',
            *configs[:2],
            '--checkpoints',
            checkpoint,
            'none.pth',
            '--work-dir',
            tmp_path,
        )
    assert not list(tmp_path.glob('split1/*'))  # none was tested


def test_options_of_the_config_come_last(splits, tmp_path):
    """As in test.py: what --rawframes sets can be set otherwise."""
    _, configs, checkpoint = splits
    for tool, args in (
        ('test', [configs[0], checkpoint]),
        ('test_splits', [configs[0], '--checkpoints', checkpoint]),
    ):
        with pytest.raises((SystemExit, RuntimeError), match='none of 4 vid'):
            run_tool(
                tool,
                *args,
                '--rawframes',
                '--work-dir',
                tmp_path,
                '--cfg-options',
                'test_dataloader.dataset.data_prefix.img=nowhere',
            )


@pytest.fixture
def options(splits, tmp_path):
    """Run a test with options on videos of three other classes."""
    folder, configs, checkpoint = splits
    cfg = Config.fromfile(configs[0])
    arch = cfg.model.backbone.arch
    clip = write_clip(tmp_path / 'clip.pt', arch, seed=4, layout=CustomTextCLIP)
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = clip
    cfg.model.cls_head.average_clips = 'score'
    cfg.test_evaluator = dict(type='AccMetric')
    names, listed = tmp_path / 'names.csv', tmp_path / 'list.txt'
    names.write_text('id,name\n0,a dog\n1,playing chess\n2,a car\n')
    dataset = own_dataset(cfg, 'test')
    with open(dataset.ann_file) as file:
        paths = [line.split()[0] for line in file]
    listed.write_text(''.join(f'{p} {i % 3}\n' for i, p in enumerate(paths)))
    dataset.ann_file = str(listed)
    cfg.dump(tmp_path / 'small.py')

    def run(*options, checkpoint=checkpoint):
        out = tmp_path / f'{len(list(tmp_path.iterdir()))}.npz'
        run_tool(
            'test',
            tmp_path / 'small.py',
            checkpoint,
            '--class-names',
            names,
            '--dump',
            out,
            '--work-dir',
            out.with_suffix(''),
            *options,
        )
        scores = torch.stack([r['pred_score'] for r in load_dump(str(out))])
        assert scores.shape == (len(paths), 3)
        return scores, read_results(out.with_suffix(''))['model']

    run.clip = torch.load(clip)
    run.state = torch.load(checkpoint)['state_dict']
    return run


def test_options_of_a_test(options, tmp_path):
    """Other classes need a list only; prompts and weights can vary."""
    tested = [
        options(),
        options('--prompt', 'actions'),
        options('--interpolate', '0'),
        options('--interpolate', '0.5'),
    ]
    scores = [score for score, _ in tested]
    assert not any(torch.allclose(a, b) for a, b in itertools.combinations(scores, 2))
    models = [model for _, model in tested]
    assert {m['classes'] for m in models} == {3}
    assert models[1]['prompt'] == 'actions'
    assert [m.get('interpolate') for m in models] == [None, None, 0, 0.5]
    # With weight 0 the towers are those of CLIP, the rest is the model's.
    for name in options.state:
        for tower in ('backbone.', 'cls_head.text_encoder.'):
            if name.startswith(tower):
                options.state[name] = options.clip[name[len(tower) :]]
    torch.save(dict(state_dict=options.state), tmp_path / 'towers.pth')
    torch.testing.assert_close(
        options(checkpoint=tmp_path / 'towers.pth')[0], scores[2]
    )


def test_classes_of_several_labels(splits, roots, tmp_path):
    """Other classes change the length of the labels, too."""
    cfg = load_config('bike_vitl14_16f_charades')
    cfg = shrink(cfg, roots(cfg.data_root), tmp_path)
    dataset = own_dataset(cfg, 'test')
    with open(dataset.ann_file) as file:
        paths = [line.split()[0] for line in file]
    dataset.ann_file = str(tmp_path / 'list.txt')
    (tmp_path / 'list.txt').write_text(''.join(f'{p} 0 1\n' for p in paths))
    cfg.dump(tmp_path / 'small.py')
    (tmp_path / 'names.txt').write_text('sitting\nstanding\n')
    torch.save(
        dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'model.pth'
    )
    run_tool(
        'test',
        tmp_path / 'small.py',
        tmp_path / 'model.pth',
        '--class-names',
        tmp_path / 'names.txt',
        '--work-dir',
        tmp_path / 'out',
    )
    assert read_results(tmp_path / 'out')['metrics'] == {'acc/mAP': 1}


@pytest.mark.parametrize(
    'option',
    [
        ['--interpolate', '2'],
        ['--views', '5x2'],
        ['--interpolate', 'half'],
        ['--prompt', 'a video'],
        ['--class-names', 'none.csv'],
    ],
)
def test_unfit_options(option, capsys):
    with pytest.raises(SystemExit):
        run_tool('test', 'c.py', 'm.pth', *option)
    assert f'argument {option[0]}: ' in capsys.readouterr().err


@pytest.mark.parametrize(
    'checkpoint,option,message',
    [
        ('none.pth', [], "test: error: checkpoint 'none.pth' does not exist"),
        ('pretrained', ['--interpolate', '0.5'], 'test: error: .*is for a checkpoint'),
    ],
)
def test_unfit_checkpoints(checkpoint, option, message):
    config = osp.join(ROOT, 'configs/bike_vitb32_k400.py')
    with pytest.raises(SystemExit, match=message):
        run_tool('test', config, checkpoint, *option)


@pytest.fixture(scope='module')
def older(data_root, tmp_path_factory):
    """A dumped config that has none of the checks, with a NaN checkpoint."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('older')
    cfg = shrink_images(shrink(load_config('bike_vitb32_k400'), data_root, folder))
    cfg.model.type = 'Recognizer3D'  # which does not look at scores
    cfg.pop('default_hooks')
    cfg.dump(folder / 'older.py')
    state = MODELS.build(cfg.model).state_dict()
    state['cls_head.text_encoder.text.ln_final.bias'][0] = float('nan')
    torch.save(dict(state_dict=state), folder / 'nan.pth')
    return folder


DATASET = 'test_dataloader.dataset'


@pytest.mark.parametrize(
    'config, options, words',
    [
        ('older', [], "not finite in checkpoint '.*nan.pth': cls_head.text_enc"),
        ('older', [f'{DATASET}.ann_file=absent.txt'], "there is no list 'absent.txt'"),
        ('older', [f'{DATASET}.type=NoDataset'], 'NoDataset is not in the mmact'),
        ('absent', [], "config '.*absent.py' does not exist"),
    ],
)
def test_a_mistake_is_one_line(older, config, options, words):
    with pytest.raises(SystemExit, match=f'^test: error: .*{words}'):
        run_tool(
            'test',
            older / f'{config}.py',
            older / 'nan.pth',
            '--work-dir',
            older / 'work',
            '--cfg-options',
            'launcher=none',
            *options,
        )
