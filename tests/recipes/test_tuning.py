"""What tuning changes in a config."""

from types import SimpleNamespace

from mmengine.registry import HOOKS

from bike_mmaction.recipes.tuning import PATIENCE, tune
from tests.kit.configs import load_config


def test_it_ends_when_nothing_gets_better():
    """Not while each epoch is a little better than the one before."""
    cfg = load_config('bike_demo')
    tune(cfg, 'frozen')
    hook = HOOKS.build(cfg.default_hooks.early_stopping)
    runner = SimpleNamespace(train_loop=SimpleNamespace(stop_training=False))
    runner.logger = SimpleNamespace(info=lambda text: None)
    scores = [0.5 + 0.01 * epoch for epoch in range(20)] + [0.69] * PATIENCE['frozen']
    ends = []
    for score in scores:
        hook.after_val_epoch(runner, {'acc/top1': score})
        ends.append(runner.train_loop.stop_training)
    assert ends.index(True) == len(scores) - 1
