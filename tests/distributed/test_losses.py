"""Losses and gradients of two processes over gloo are those of one."""

import itertools
import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.hooks import logger_hook

from tests.golden import fixture
from tests.kit.models import (
    attributes_branch,
    temporal_transformer,
    text_encoder,
    video_branch,
)


def build(target, frozen):
    torch.manual_seed(0)
    loss = dict(type='ContrastiveLoss', target=target)
    head = dict(
        loss_cls=dict(type='SigmoidLoss') if target == 'sigmoid' else loss,
        text_encoder=text_encoder(frozen=frozen),
    )
    config = video_branch(fixture.CLASSES, head, neck=temporal_transformer())
    return MODELS.build(config).train()


def batch(part=slice(None)):
    frames = fixture.frames(6).transpose(1, 2)[:, None]  # [B, 1, 3, T, H, W]
    labels = [0, 3, 0, 3, 5, 0]
    samples = [ActionDataSample().set_gt_label(label) for label in labels]
    return frames[part], samples[part]


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters() if p.requires_grad}


ATTRIBUTES = [
    ['rope', 'rock'],
    ['drum'],
    ['rock', 'snow', 'helmet'],
    ['hands'],
    ['ball', 'goal'],
    ['rope'],
]
HEADS = dict(
    released=dict(),
    trained=dict(mlp=False, attributes_encoder=text_encoder(frozen=False)),
    # The second rank's videos have no attributes.
    absent=dict(),
)


def build_attributes(kind):
    torch.manual_seed(0)
    return MODELS.build(attributes_branch(fixture.CLASSES, HEADS[kind])).train()


def attributes_batch(kind, part=slice(None)):
    samples = batch()[1]
    for i, (sample, phrases) in enumerate(zip(samples, ATTRIBUTES)):
        absent = kind == 'absent' and i > 2
        sample.set_field([] if absent else phrases, 'attributes')
    return {}, samples[part]


CASES = list(itertools.product(('soft', 'hard'), (True, False), (3, 4)))
CASES.append(('sigmoid', True, 4))


def is_equal(target, split):
    """Cases whose ranks need not tell each other how many videos they have."""
    return split == 3 and target == 'hard'


def run_rank(rank, store, out):
    """One of two processes: every case, with its part of the batch."""
    from mmaction.utils import register_all_modules
    from mmengine.model import MMDistributedDataParallel

    from bike_mmaction.compat import leave_process_group

    register_all_modules()
    torch.set_num_threads(1)
    dist.init_process_group('gloo', f'file://{store}', rank=rank, world_size=2)
    outcomes, told = {}, []
    all_reduce = dist.all_reduce
    dist.all_reduce = lambda *args: told.append(1) or all_reduce(*args)
    for target, frozen, split in CASES:
        model = MMDistributedDataParallel(build(target, frozen))
        part = slice(split, None) if rank else slice(split)
        own = model.module.cls_head.loss_cls
        own.equal_batches = is_equal(target, split)
        own.classes = 'batch' if own.equal_batches and frozen else 'all'
        loss = model(*batch(part), mode='loss')['loss_cls']
        loss.backward()
        outcomes[target, frozen, split] = (loss.item(), gradients(model.module))
        assert len(told) == (not is_equal(target, split))
        told.clear()
    for kind in HEADS:
        model = MMDistributedDataParallel(build_attributes(kind))
        part = slice(3, None) if rank else slice(3)
        losses = model(*attributes_batch(kind, part), mode='loss')
        losses['attributes_loss_cls'].backward()
        outcomes[kind] = (losses['attributes_loss_cls'].item(), gradients(model.module))
    outcomes['writes metrics'] = writes_metrics(f'{out}/{rank}.json')
    torch.save(outcomes, f'{out}/{rank}.pt')
    del model, loss, losses
    leave_process_group()


def writes_metrics(path):
    """Whether MMEngine's hook writes its file of metrics on this rank."""
    logger_hook.dump({}, path)
    return os.path.exists(path)


def test_metrics_are_written_by_one_rank(ranks):
    """At the same time they would write into one file."""
    assert [outcomes['writes metrics'] for outcomes in ranks] == [True, False]


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(run_rank, (folder / 'store', folder), nprocs=2)
    return [torch.load(folder / f'{rank}.pt') for rank in range(2)]


@pytest.mark.parametrize('target,frozen,split', CASES)
def test_two_ranks_are_one_rank_with_their_batches(ranks, target, frozen, split):
    """Split 3 shares the batch of six equally, split 4 does not."""
    model = build(target, frozen)
    expected = model(*batch(), mode='loss')['loss_cls']
    expected.backward()
    reference = gradients(model)
    largest = max(g.abs().max() for g in reference.values())
    assert any('text_encoder' in name for name in reference) != frozen
    for outcomes in ranks:
        loss, grads = outcomes[target, frozen, split]
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        assert grads.keys() == reference.keys()
        for name, gradient in reference.items():
            torch.testing.assert_close(
                grads[name], gradient, rtol=1e-5, atol=1e-5 * largest
            )


@pytest.mark.parametrize('kind', HEADS)
def test_attributes_of_two_ranks(ranks, kind):
    """As :func:`test_two_ranks_are_one_rank_with_their_batches`."""
    model = build_attributes(kind)
    expected = model(*attributes_batch(kind), mode='loss')['attributes_loss_cls']
    expected.backward()
    reference = gradients(model)
    largest = max(g.abs().max() for g in reference.values())
    for outcomes in ranks:
        loss, grads = outcomes[kind]
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        assert grads.keys() == reference.keys()
        for name, gradient in reference.items():
            torch.testing.assert_close(
                grads[name], gradient, rtol=1e-5, atol=1e-5 * largest
            )
