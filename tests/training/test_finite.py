"""Training and tests stop at the first number that means nothing."""

import glob
import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

from bike_mmaction.compat import torch_version
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.training import CheckFinite

PROJECTION = 'backbone.visual.proj'


@pytest.fixture
def diverging(cfg):
    """The first step throws the weights out of all range."""
    cfg.optim_wrapper.type = 'OptimWrapper'
    cfg.optim_wrapper.optimizer.lr = 1e36
    cfg.param_scheduler = []
    return cfg


@pytest.fixture
def overflowing(diverging):
    """The first step already makes them infinite."""
    diverging.model.cls_head.loss_cls.loss_weight = 1e9
    diverging.optim_wrapper.optimizer = dict(type='SGD', lr=1e38)
    return diverging


@pytest.fixture
def checkpoint(build, tmp_path):
    """One with an infinite number."""
    model = build().model
    model.get_parameter(PROJECTION).data.view(-1)[3] = float('inf')
    path = str(tmp_path / 'inf.pth')
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def test_loss(diverging, build, tmp_path):
    """Named with its epoch, videos and cures; nothing is saved."""
    with pytest.raises(NonFiniteError) as error:
        build().train()
    text = str(error.value)
    for part in (
        'epoch 1, iteration 2',
        'loss=nan, loss_cls=nan',
        '.mp4',
        'optim_wrapper.optimizer.lr',
        'optim_wrapper.dtype=bfloat16',
        'load_from',
    ):
        assert part in text
    assert not glob.glob(f'{tmp_path}/*.pth')


def test_loss_without_the_hook_that_keeps_it(diverging, build):
    diverging.default_hooks.runtime_info = None
    with pytest.raises(NonFiniteError, match='iteration 2: .* loss=nan'):
        build().train()


def test_batches_of_any_kind():
    """Of models that are not of MMAction2; it does not know their videos."""
    runner = SimpleNamespace(epoch=0, train_dataloader=[None])
    for batch in (None, [], *(dict(data_samples=x) for x in (None, {'a': []}, 'a'))):
        with pytest.raises(NonFiniteError, match='loss=nan with unknown videos'):
            CheckFinite().after_train_iter(runner, 0, batch, dict(loss=math.nan))


def test_accumulated_batches(diverging, build):
    """The second step comes after four of them."""
    diverging.optim_wrapper.accumulative_counts = 2
    diverging.train_dataloader.batch_size = 1
    with pytest.raises(NonFiniteError, match='epoch 1, iteration 3'):
        build().train()


def test_weights_that_the_last_step_has_spoilt(overflowing, build, tmp_path):
    """The loss of the epoch was finite: it came before."""
    overflowing.train_dataloader.batch_size = 5
    with pytest.raises(NonFiniteError, match='after epoch 1.*The weights are'):
        build().train()
    assert not glob.glob(f'{tmp_path}/*.pth')


def test_checkpoints_by_iteration(overflowing, build, tmp_path):
    overflowing.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4)
    overflowing.default_hooks.checkpoint.update(by_epoch=False, interval=1)
    with pytest.raises(NonFiniteError, match='no checkpoint is written'):
        build().train()
    assert not glob.glob(f'{tmp_path}/*.pth')


class UseScaler(Hook):
    """As on a GPU; on a CPU MMAction2 leaves it out."""

    def before_train(self, runner):
        runner.optim_wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=64.0)
        parameter = runner.model.get_parameter(PROJECTION)
        parameter.register_hook(lambda grad: grad / 0)


@pytest.mark.skipif(torch_version() < (2, 3), reason='has no such scaler')
def test_skipped_steps_are_normal(cfg, build, without_validation):
    """A loss scaler tries steps whose gradients turn out infinite."""
    runner = build(custom_hooks=[UseScaler()])
    before = runner.model.get_parameter(PROJECTION).detach().clone()
    runner.train()
    assert runner.optim_wrapper.loss_scaler.get_scale() == 16  # 64 / 2 / 2
    assert torch.equal(before, runner.model.get_parameter(PROJECTION))


@pytest.mark.parametrize('kind', ['CLIPRecognizer', 'Recognizer3D'])
def test_checkpoint(cfg, build, checkpoint, kind):
    """In a test, and where training begins with it."""
    cfg.model.type, cfg.load_from = kind, checkpoint
    words = f"in checkpoint '{checkpoint}'.*{PROJECTION} .1 of 8192 values"
    with pytest.raises(NonFiniteError, match=words):
        build().test()
    with pytest.raises(NonFiniteError, match=words):
        build().train()


def test_scores_of_other_heads(cfg, build):
    """MMAction2's own do not look at them."""
    cfg.model.type = 'Recognizer3D'
    cfg.model.neck = None
    cfg.model.backbone.as_feature_map = True
    cfg.model.cls_head = dict(
        type='I3DHead', num_classes=29, in_channels=64, average_clips='prob'
    )
    runner = build()
    runner.test()
    runner = build()
    runner.model.data_preprocessor.std.fill_(0)
    with pytest.raises(NonFiniteError, match="'.*mp4' are not finite.*the input or"):
        runner.test()


def test_validation(cfg, build, tmp_path):
    """No checkpoint is the best of those that predict nothing."""
    cfg.default_hooks.checkpoint.interval = 9
    cfg.default_hooks.checkpoint.save_last = False
    with pytest.raises(NonFiniteError, match="'.*mp4' are not finite"):
        build(custom_hooks=[SpoilInput()]).train()
    assert not glob.glob(f'{tmp_path}/best*')


class SpoilInput(Hook):
    """What training has not shown."""

    def before_val_epoch(self, runner):
        runner.model.data_preprocessor.std.fill_(0)


def test_weights_are_looked_at_once_an_epoch(cfg, build, monkeypatch, tmp_path):
    """Not again before the checkpoint that the epoch ends with."""
    looks = []
    monkeypatch.setattr(
        'bike_mmaction.training.finite.check_weights',
        lambda model, what: looks.append(what),
    )
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    build().train()
    assert glob.glob(f'{tmp_path}/epoch_1.pth')
    assert [what.split()[0] for what in looks] == ['not', 'after']
