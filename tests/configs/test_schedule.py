"""The schedule of the shipped configs, without training."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

from tests.kit.configs import load_config, shrink_model

EPOCH = 10  # iterations


@pytest.fixture
def cfg():
    cfg = load_config('bike_vitb32_k400')
    shrink_model(cfg.model)
    return cfg


def rates(cfg, iterations):
    """Base rate before each of the iterations."""
    optimizer = torch.optim.SGD(
        [torch.zeros(1, requires_grad=True)], cfg.optim_wrapper.optimizer.lr
    )
    schedulers = [
        PARAM_SCHEDULERS.build(
            dict(config), default_args=dict(optimizer=optimizer, epoch_length=EPOCH)
        )
        for config in cfg.param_scheduler
    ]
    values = []
    for _ in range(iterations):
        values.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return values


def test_linear_warm_up_then_cosine_by_iteration(cfg):
    values = rates(cfg, 30 * EPOCH)
    assert values[0] == pytest.approx(5e-8)
    assert values[25] == pytest.approx(2.5e-5, rel=0.05)
    assert values[5 * EPOCH] == pytest.approx(5e-5)
    assert max(values) == values[5 * EPOCH]
    # Half-way down after half of the remaining 25 epochs.
    assert values[175] == pytest.approx(2.5e-5, rel=0.01)
    assert values[-1] < 5e-9
    # Changes with each iteration, but where the two schedulers meet.
    assert len(set(values)) >= len(values) - 1


def test_clip_learns_at_a_tenth_and_all_decays(cfg):
    cfg.optim_wrapper.type = 'OptimWrapper'
    model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    groups = {id(p): group for group in optimizer.param_groups for p in group['params']}
    trained = 0
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert name.startswith('cls_head.text_encoder.')
            continue
        group = groups[id(parameter)]
        expected = 5e-5 if name.startswith('neck.') else 5e-6
        assert group['lr'] == pytest.approx(expected), name
        assert group['weight_decay'] == 0.2, name
        trained += 1
    assert trained > 20
