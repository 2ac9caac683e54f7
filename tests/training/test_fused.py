"""AdamW as one kernel, on whatever device the weights are."""

import pytest
import torch

from bike_mmaction.compat import torch_version
from bike_mmaction.training import FusedAdamW

PLAIN = torch.optim.AdamW
OPTIONS = dict(lr=0.01, weight_decay=0.2)


def steps(optimizers, seed=0):
    """A step of each, one after the other, which takes over from the last.

    Returns:
        tuple[Tensor, dict]: Weights [8], and the last optimizer's state.
    """
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(8, generator=generator).requires_grad_()
    state = None
    for make in optimizers:
        optimizer = make([dict(params=[weight])], **OPTIONS)
        if state is not None:
            optimizer.load_state_dict(state)
        for _ in range(3):
            weight.grad = torch.randn(8, generator=generator)
            optimizer.step()
        state = optimizer.state_dict()
    return weight.detach(), state


def test_without_gpu_it_is_plain():
    weights, state = steps([FusedAdamW])
    expected, plain = steps([PLAIN])
    assert torch.equal(weights, expected)
    assert state['param_groups'] == plain['param_groups']
    assert str(state['state']) == str(plain['state'])


@pytest.mark.skipif(torch_version() < (2, 4), reason='not fused on a CPU')
def test_fused_and_plain_go_on_from_each_other():
    """In any order; each computes in its own way."""

    def fused(groups, **options):
        return FusedAdamW(groups, fused=True, **options)

    expected, _ = steps([PLAIN] * 3)
    for order in ([fused, PLAIN, fused], [PLAIN, FusedAdamW, fused]):
        weights, state = steps(order)
        assert torch.allclose(weights, expected, atol=1e-6)
        assert state['param_groups'][0]['fused'] is None
    optimizer = fused([torch.zeros(1)])
    optimizer.load_state_dict(PLAIN([torch.zeros(1)]).state_dict())
    assert optimizer.param_groups[0]['fused'] is True
