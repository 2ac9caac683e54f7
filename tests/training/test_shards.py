"""Training and testing from tar files are those from files, bit for bit."""

import copy
import glob
import json
import os.path as osp
import pickle

import pytest
import torch
from mmengine.runner import Runner

import bike_mmaction_cli
from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.recipes import use_shards
from bike_mmaction.shards import find_member
from tests.kit.tools import free_port, run_python


@pytest.fixture
def sources(cfg, tmp_path):
    """Configs of files and of tar files, with a test behind the training."""
    cfg.default_hooks.bad_videos.time_limit = 30
    cfg.train_dataloader.drop_last = False
    cfg.randomness = dict(seed=5)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    path = str(tmp_path / 'config.py')
    cfg.dump(path)
    for split in ('train', 'test'):
        folder = str(tmp_path / f'shards_{split}')
        argv = [path, '--split', split, '--out', folder, '--shard-size', '2e-5']
        bike_mmaction_cli.run('pack-videos', argv)
    in_shards = copy.deepcopy(cfg)
    for split in ('train', 'test'):
        use_shards(in_shards, str(tmp_path / f'shards_{split}'), [split])
    for kind, config in dict(files=cfg, shards=in_shards).items():
        config.work_dir = str(tmp_path / kind)
        dump = dict(type='DumpResults', out_file_path=f'{tmp_path}/{kind}.pkl')
        config.test_evaluator = [dict(type='AccMetric'), dump]
        config.dump(f'{tmp_path}/{kind}.py')
    return dict(files=cfg, shards=in_shards)


@pytest.mark.parametrize('ranks', [1, 2])
def test_the_same_losses_weights_and_scores(sources, ranks, tmp_path):
    if ranks == 2:
        words = [word for k in sources for word in (tmp_path / f'{k}.py', free_port())]
        done = run_python('-m', 'tests.kit.two_ranks', *map(str, words))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    outcomes = {}
    for kind, config in sources.items():
        if ranks == 1:
            config.train_dataloader.update(num_workers=2)
            runner = Runner.from_cfg(config)
            runner.train()
            runner.test()
        weights = torch.load(f'{tmp_path}/{kind}/epoch_1.pth', weights_only=False)
        (path,) = glob.glob(f'{tmp_path}/{kind}/*/vis_data/scalars.json')
        with open(path) as file:
            losses = [json.loads(line).get('loss') for line in file]
        with open(f'{tmp_path}/{kind}.pkl', 'rb') as file:
            scores = {
                osp.basename(x['filename']): x['pred_score'] for x in pickle.load(file)
            }
        assert len(scores) == 5 and len([x for x in losses if x]) == 4 - ranks
        outcomes[kind] = weights['state_dict'], losses, scores
    (weights, losses, scores), (other_weights, *others) = outcomes.values()
    assert losses == others[0]
    assert all(torch.equal(scores[name], others[1][name]) for name in scores)
    assert all(torch.equal(value, other_weights[k]) for k, value in weights.items())
    folder = own_dataset(sources['shards'], 'train')['data_prefix']['video']
    assert find_member(f'{folder}/v1.mp4') and not osp.exists(f'{folder}/v1.mp4')
