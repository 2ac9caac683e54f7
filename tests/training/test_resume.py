"""Options that resuming would ignore are refused, or applied when asked."""

import copy

import pytest
import torch
from mmengine.hooks import Hook

from tests.kit.stopping import StopBefore

pytestmark = pytest.mark.usefixtures('without_validation')


class Rates(Hook):
    """Notes the rate of each iteration, by its number."""

    def __init__(self):
        self.settings = {}

    def before_train_iter(self, runner, *args, **kwargs):
        group = runner.optim_wrapper.param_groups[0]
        self.settings[runner.iter] = (group['lr'], group['weight_decay'])


def schedule(cfg, epochs):
    """One epoch of warm-up, then a cosine."""
    cfg.train_cfg.max_epochs = epochs
    by_iteration = dict(by_epoch=True, convert_to_iter_based=True)
    cfg.param_scheduler = [
        dict(type='LinearLR', start_factor=0.1, begin=0, end=1, **by_iteration),
        dict(
            type='CosineAnnealingLR',
            T_max=epochs - 1,
            begin=1,
            end=epochs,
            **by_iteration,
        ),
    ]


@pytest.fixture
def run(cfg, build):
    """Trains, maybe up to an epoch, and returns the runner and the rates."""
    schedule(cfg, 4)

    def train(stop=None, resume=False, override=False):
        rates = Rates()
        cfg.default_hooks.check_resume.override = override
        runner = build(
            resume=resume, custom_hooks=[rates, *([StopAfter(stop)] if stop else [])]
        )
        runner.train()
        return runner, rates.settings

    return train


class StopAfter(Hook):
    """What a scheduler of jobs does."""

    priority = 'VERY_LOW'

    def __init__(self, epochs):
        self.epochs = epochs

    def after_train_epoch(self, runner):
        runner.train_loop.stop_training = runner.epoch + 1 == self.epochs


def test_nothing_changed(run):
    _, expected = run()
    run(stop=2)
    runner, settings = run(resume=True)
    assert runner.epoch == 4
    assert settings == {i: expected[i] for i in range(4, 8)}


@pytest.mark.parametrize(
    'optimizer',
    [
        dict(type='AdamW', lr=1e-3, betas=(0.8, 0.9)),
        dict(type='SGD', lr=1e-3, momentum=0.8),
    ],
)
def test_momentum_that_a_schedule_moves(cfg, run, optimizer):
    cfg.optim_wrapper.optimizer = optimizer
    cfg.param_scheduler = [dict(type='CosineAnnealingMomentum', T_max=4, eta_min=0.5)]
    run(stop=2)
    runner, _ = run(resume=True)
    assert runner.epoch == 4
    for name, value in (('betas', (0.7, 0.9)), ('momentum', 0.7)):
        if name in optimizer:
            optimizer[name] = value
    cfg.optim_wrapper.optimizer = optimizer
    with pytest.raises(ValueError, match='0.8.* -> .*0.7'):
        run(resume=True)


CHANGES = [
    (
        lambda cfg: cfg.optim_wrapper.optimizer.update(lr=1e-4),
        'optim_wrapper.optimizer.lr: .*5e-05 -> 0.0001',
    ),
    (
        lambda cfg: cfg.optim_wrapper.optimizer.update(weight_decay=0.05),
        'optim_wrapper.optimizer.weight_decay: 0.2 -> 0.05',
    ),
    (
        lambda cfg: cfg.optim_wrapper.optimizer.update(betas=[0.9, 0.98]),
        r'optim_wrapper.optimizer.betas: \(0.9, 0.999\) -> ',
    ),
    (
        lambda cfg: schedule(cfg, 6),
        'param_scheduler.1.T_max: 3 -> 5 epochs; param_scheduler.1.end: 4 -> 6 epochs',
    ),
    (
        lambda cfg: cfg.param_scheduler[1].update(eta_min=1e-7),
        'param_scheduler.1.eta_min: 0.0 -> 1e-07',
    ),
    (
        lambda cfg: cfg.train_dataloader.update(batch_size=1),
        'iterations of an epoch: 2 -> 5 .train_dataloader.batch_size',
    ),
    (lambda cfg: cfg.update(param_scheduler=[]), 'param_scheduler: 2 -> 0'),
    (
        lambda cfg: cfg.auto_scale_lr.update(enable=True),
        'optim_wrapper.optimizer.lr: .*5e-05 -> ',
    ),
]


def test_changes_without_effect(cfg, run):
    run(stop=2)
    before = copy.deepcopy(cfg._cfg_dict)
    for change, words in CHANGES:
        change(cfg)
        with pytest.raises(
            ValueError, match=f'no effect: {words}.*--override-schedule'
        ):
            run(resume=True)
        cfg._cfg_dict.clear()
        cfg._cfg_dict.update(copy.deepcopy(before))


def test_what_does_take_effect_is_no_change(cfg, run):
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[1, 3])]
    run(stop=2)
    cfg.train_cfg.max_epochs = 5
    cfg.param_scheduler[0].end = 4
    cfg.train_dataloader.batch_size = 1
    cfg.optim_wrapper.type = 'OptimWrapper'
    runner, rates = run(resume=True)
    assert runner.epoch == 5
    assert len(rates) == 15


def shorter(cfg):
    cfg.train_dataloader.batch_size = 1
    cfg.optim_wrapper.optimizer.update(lr=1e-3, weight_decay=0.1)


@pytest.mark.parametrize(
    'change',
    [
        lambda cfg: schedule(cfg, 6),
        shorter,
        lambda cfg: cfg.update(
            param_scheduler=[dict(type='MultiStepLR', milestones=[1, 3])]
        ),
    ],
)
def test_override(cfg, run, change):
    """From there on it is as if training had begun with the new options."""
    before = copy.deepcopy(cfg)
    runner, _ = run(stop=2)
    moments = runner.optim_wrapper.state_dict()['state']
    original = copy.deepcopy(moments[0]['exp_avg'])
    change(cfg)
    cfg.work_dir += '_anew'
    runner, expected = run()
    epoch = len(runner.train_dataloader)
    cfg.work_dir = before.work_dir
    resumed, settings = run(resume=True, override=True, stop=3)
    # Iterations are numbered on from those of before.
    assert list(settings) == list(range(4, 4 + epoch))
    for i in range(epoch):
        assert settings[4 + i] == pytest.approx(expected[2 * epoch + i])
    group = resumed.optim_wrapper.optimizer.param_groups[0]
    assert group['weight_decay'] == cfg.optim_wrapper.optimizer.weight_decay
    assert original.abs().sum() > 0
    # A run that goes on from here has the new options already.
    _, later = run(resume=True)
    assert later[4 + epoch] == pytest.approx(expected[3 * epoch])


@pytest.mark.parametrize('batch_size', [2, 1])
def test_override_in_the_middle_of_an_epoch(cfg, build, run, batch_size):
    """Iterations count from there on; of other batches, as many samples are done."""
    cfg.default_hooks.checkpoint.save_every = 1
    with pytest.raises(KeyboardInterrupt):
        build(custom_hooks=[StopBefore(5)]).train()
    cfg.optim_wrapper.optimizer.lr = 1e-3
    cfg.train_dataloader.batch_size = batch_size
    before, cfg.work_dir = cfg.work_dir, f'{cfg.work_dir}_anew'
    runner, expected = run()
    length, half = len(runner.train_dataloader), len(runner.train_dataloader) // 2
    cfg.work_dir = before
    _, settings = run(resume=True, override=True, stop=3)
    assert list(settings) == list(range(5, 5 + length - half))
    for i, setting in enumerate(settings.values()):
        assert setting == pytest.approx(expected[2 * length + half + i])


@pytest.mark.parametrize('lost', ['message_hub', 'meta'])
def test_weights_alone(cfg, run, tmp_path, lost):
    """Such as a converted checkpoint."""
    run(stop=1)
    state = torch.load(f'{cfg.work_dir}/epoch_1.pth', weights_only=False)
    if lost == 'meta':
        state['meta'] = dict(epoch=1)
    else:
        state.pop(lost)
    torch.save(state, tmp_path / 'weights.pth')
    cfg.load_from = str(tmp_path / 'weights.pth')
    for override in (False, True):
        with pytest.raises(ValueError, match="weights.pth' has weights, but "):
            run(resume=True, override=override)


def test_finished(run, warnings):
    run()
    runner, rates = run(resume=True)
    assert not rates
    assert any(
        'Nothing is left to train: the checkpoint is of epoch 4 of 4' in text
        for text in warnings()
    )
