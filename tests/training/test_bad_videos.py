"""Bad videos in training and its validation: named, counted, replaced."""

import glob
import json
import os
import os.path as osp

import pytest
import torch.multiprocessing as mp
from mmaction.utils import register_all_modules
from mmengine.runner import Runner

import tests.kit.hostile  # noqa: F401  (registers)
from bike_mmaction.compat import leave_process_group
from bike_mmaction.errors import BadVideosError
from bike_mmaction.training import go_on_in_validation
from tests.kit.bad_videos import DAMAGED, UNREADABLE, write_bad, write_list
from tests.kit.tools import free_port


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Bad and good videos, and the lists of both."""
    folder = tmp_path_factory.mktemp('bad')
    names = write_bad(folder)
    write_list(folder / 'train.txt', names)
    write_list(folder / 'val.txt', [name for name in names if name != 'hang'])
    return folder


@pytest.fixture
def bad_cfg(cfg, folder):
    """Two epochs of all of them, each with a validation."""
    cfg.train_cfg.max_epochs = cfg.param_scheduler[0].T_max = 2
    cfg.param_scheduler[0].end = 2
    cfg.train_dataloader.drop_last = False
    cfg.default_hooks.bad_videos.time_limit = cfg.val_cfg.time_limit = 2
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.ann_file = str(folder / f'{split}.txt')
        dataset.data_prefix = dict(video=str(folder))
        dataset.pipeline.insert(2, dict(type='DecodeOrBreak'))
    return cfg


def train(cfg, rank=0, ranks=1, port=None, errors=None):
    """A run in this process, maybe as one of several."""
    if ranks > 1:
        address = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), **address)
        os.environ.update(WORLD_SIZE=str(ranks))
        register_all_modules()
        cfg.launcher = 'pytorch'
    try:
        Runner.from_cfg(cfg).train()
    except BadVideosError as error:
        if errors is None:
            raise
        errors.put(str(error))
    finally:
        if ranks > 1:
            leave_process_group()


def run_rank(rank, *args):
    train(args[0], rank, *args[1:])


def train_ranks(cfg, ranks):
    """In so many processes; the errors that they gave.

    They are forks of one that has never trained: after that torch cannot.
    """
    context = mp.get_context('forkserver')
    context.set_forkserver_preload(['bike_mmaction.apis', 'tests.kit.hostile'])
    errors = context.SimpleQueue()
    args = (cfg, ranks, free_port(), errors)
    mp.start_processes(run_rank, args, nprocs=ranks, start_method='forkserver')
    texts = []
    while not errors.empty():
        texts.append(errors.get())
    return texts


def written(cfg):
    """``bad_videos.json`` and the log."""
    (path,) = glob.glob(f'{cfg.work_dir}/*/bad_videos.json')
    with open(path) as file:
        report = json.load(file)
    (path,) = glob.glob(f'{osp.dirname(path)}/*.log')
    with open(path) as file:
        return report, file.read()


def assert_named(reasons, names, folder):
    """A sentence for each file, which says what is wrong with it."""
    assert len(reasons) == len(names)
    for name in names:
        (reason,) = [x for x in reasons if f"'{folder}/{name}.mp4'" in x]
        assert UNREADABLE[name] in reason


@pytest.mark.parametrize(
    'ranks,workers,persistent',
    [(1, 0, False), (1, 2, True), (2, 0, False), (2, 2, False)],
)
def test_training_and_validation_go_on(bad_cfg, folder, ranks, workers, persistent):
    """The same report from any number of processes."""
    if persistent:  # a user's config
        bad_cfg.val_cfg.type = 'ValLoop'
        go_on_in_validation(bad_cfg)
    for split in ('train', 'val'):
        loader = bad_cfg[f'{split}_dataloader']
        loader.update(num_workers=workers, persistent_workers=persistent)
    if ranks == 1:
        train(bad_cfg)
    else:
        assert not train_ranks(bad_cfg, ranks)
    report, log = written(bad_cfg)
    damaged = [f'{folder}/{name}.mp4' for name in DAMAGED]
    for use, bad in (
        ('training', dict(UNREADABLE)),
        ('validation', {k: v for k, v in UNREADABLE.items() if k != 'hang'}),
    ):
        videos = 9 + len(bad)
        assert report[use]['videos'] == videos
        assert_named(report[use]['unreadable'], bad, folder)
        assert [entry['file'] for entry in report[use]['damaged']] == damaged
        assert all('frames cannot' in x['missing'] for x in report[use]['damaged'])
        assert f'{use.capitalize()}: of {videos} videos {len(bad)} could not' in log
    assert report['training']['replaced_samples'] >= 2 * len(UNREADABLE)
    for line, times in (  # of each video once, in both epochs
        ('Not used for training', len(UNREADABLE)),
        ('Damaged, but used for training', len(DAMAGED)),
        ('Not validated', len(UNREADABLE) - 1),
        ('Damaged, but validated', len(DAMAGED)),
    ):
        assert log.count(f'WARNING - {line}: ') == times
    assert log.count('acc/top1: ') == 2 and 'videos/' not in log
    assert osp.exists(f'{bad_cfg.work_dir}/epoch_2.pth')


@pytest.mark.parametrize('ranks', [1, 2])
def test_more_than_the_share_ends_the_run(bad_cfg, folder, ranks):
    names = [
        'v0',
        'v1',
        *(f'empty{i}' for i in range(12)),
        *(f'v{i}' for i in range(2, 7)),
    ]
    for name in names[2:14]:
        (folder / f'{name}.mp4').touch()
    bad_cfg.train_dataloader.dataset.ann_file = write_list(folder / 'x.txt', names)
    bad_cfg.default_hooks.bad_videos.share = 0.6  # 11 of 19
    bad_cfg.val_cfg = bad_cfg.val_dataloader = bad_cfg.val_evaluator = None
    if ranks == 1:
        with pytest.raises(BadVideosError) as error:
            train(bad_cfg)
        texts = [str(error.value)]
    else:
        texts = train_ranks(bad_cfg, ranks)
    assert len(texts) == ranks and len(set(texts)) == 1
    assert '12 of 19 videos of the training set' in texts[0]
    assert 'more than the 11 that default_hooks.bad_videos.share=0.6' in texts[0]
    assert texts[0].count('the file is empty') == 10 and '; and 2 more' in texts[0]
    report, log = written(bad_cfg)
    assert len(report['training']['unreadable']) == 12
    assert log.count('Not used for training') == 10
