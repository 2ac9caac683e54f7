"""The last incomplete batch of an epoch, and the only one."""

import copy

import pytest
from mmengine.config import Config

from bike_mmaction.training import add_checks

pytestmark = pytest.mark.usefixtures('without_validation')
FEW = dict(shots=1, allow_fewer=True)


def test_incomplete_batch_is_dropped(cfg, build, warnings):
    assert cfg.train_dataloader.drop_last is True
    runner = build()
    runner.train()
    assert runner.iter == runner.max_iters == 2  # five videos, two a batch
    assert not any('incomplete' in text for text in warnings())


@pytest.mark.parametrize(
    'wrap',
    [
        lambda dataset: dataset,
        lambda dataset: dict(type='RepeatDataset', dataset=dataset, times=2),
        lambda dataset: dict(type='FewShotDataset', dataset=dataset, **FEW),
        lambda dataset: dict(type='ConcatDataset', datasets=[dataset] * 2),
    ],
)
def test_the_only_batch_is_kept(cfg, build, warnings, wrap):
    loader = cfg.train_dataloader
    loader.batch_size = 50
    loader.dataset = wrap(copy.deepcopy(loader.dataset))
    cfg.train_cfg.max_epochs = cfg.param_scheduler[0].T_max = 2
    cfg.param_scheduler[0].end = 2
    runner = build()
    runner.train()
    assert runner.iter == runner.max_iters == 2
    # The cosine was made for two iterations, not for none.
    (scheduler,) = runner.param_schedulers
    assert scheduler.T_max == scheduler.end == 2
    assert runner.message_hub.get_scalar('train/loss').mean() > 0
    (told,) = [text for text in warnings() if 'incomplete' in text]
    size = len(runner.train_dataloader.dataset)
    assert f'training set has {size} videos' in told
    assert 'train_dataloader.batch_size=50' in told


def test_loops_by_epochs_become_this_one():
    """Of configs that `bike train` gets from elsewhere; others stay."""
    for loop, expected in (
        (dict(by_epoch=True, max_epochs=2), 'AnySizeTrainLoop'),
        (dict(type='EpochBasedTrainLoop', max_epochs=2), 'AnySizeTrainLoop'),
        (dict(type='IterBasedTrainLoop', max_iters=2), 'IterBasedTrainLoop'),
    ):
        cfg = Config(dict(train_cfg=loop))
        add_checks(cfg)
        assert cfg.train_cfg.pop('type') == expected
        assert list(cfg.train_cfg) in (['max_epochs'], ['max_iters'])
        assert {'exact_resume', 'make_up_validation'} < set(cfg.default_hooks)
