"""What several processes must do alike."""

import glob
import os

import pytest
import torch
import torch.multiprocessing as mp
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from mmengine.runner import Runner

from bike_mmaction.compat import leave_process_group
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.models import ContrastiveLoss
from tests.kit.tools import free_port

CASES = ('few', 'nan', 'unlike')


def run_rank(rank, port, folder):
    """One of two processes; writes down what it has seen of each case."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port,
    )
    torch.set_num_threads(1)
    register_all_modules()
    torch.save([train(folder, case) for case in CASES], f'{folder}/{rank}.pt')
    leave_process_group()


class Line(BaseModel):
    """Its loss is of the videos of one process."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)
        self.cls_head = torch.nn.Module()
        self.cls_head.loss_cls = ContrastiveLoss()

    def forward(self, inputs, data_samples, mode):
        self.equal = self.cls_head.loss_cls.equal_batches
        return dict(loss_line=(self.line(torch.stack(inputs)) ** 2).mean())


def own_collate(batch):
    """Which might leave out samples."""
    return pseudo_collate(batch)


def train(folder, case):
    """Error, iterations, length of the schedule, and what the loss was told."""
    values = [1.0, 2.0, 3.0, float('nan')] if case == 'nan' else [1.0, 2.0, 3.0]
    runner = Runner(
        Line(),
        f'{folder}/{case}',
        train_dataloader=dict(
            dataset=[
                dict(
                    inputs=torch.tensor([x]),
                    data_samples=ActionDataSample(metainfo=dict(filename=f'{x}.mp4')),
                )
                for x in values
            ],
            sampler=dict(
                type='DefaultSampler', shuffle=False, round_up=case != 'unlike'
            ),
            collate_fn=own_collate if case == 'nan' else dict(type='pseudo_collate'),
            drop_last=True,
            batch_size=1 if case == 'nan' else 8,
        ),
        train_cfg=dict(type='AnySizeTrainLoop', max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.0)),
        param_scheduler=dict(
            type='CosineAnnealingLR', T_max=3, convert_to_iter_based=True
        ),
        default_hooks=dict(
            check_start=dict(type='CheckStart'), check_finite=dict(type='CheckFinite')
        ),
        default_scope='mmaction',
        launcher='pytorch',
        experiment_name=case,
    )
    error = ''
    try:
        runner.train()
    except NonFiniteError as results:
        error = str(results)
    model = runner.model.module
    equal = model.equal, model.cls_head.loss_cls.equal_batches
    return error, runner.iter, runner.param_schedulers[0].T_max, equal


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('ranks'))
    mp.spawn(run_rank, (free_port(), folder), nprocs=2)
    return folder, [torch.load(f'{folder}/{rank}.pt') for rank in range(2)]


def test_all_keep_the_only_batch(ranks):
    """Two videos each, of three."""
    for (error, iterations, length, _), *_ in ranks[1]:
        assert not error and iterations == length == 3


def test_all_stop_where_one_has_no_number(ranks):
    """The loss of the first is finite: it is of its own videos."""
    folder, results = ranks
    (error, iterations, *_), other = (cases[1] for cases in results)
    assert (error, iterations) == other[:2]
    assert 'epoch 1, iteration 2: process 1 has loss=nan, loss_line=nan' in error
    assert 'process 0' not in error and 'with nan.mp4' in error
    assert iterations == 1 and not glob.glob(f'{folder}/nan/*.pth')


def test_the_loss_knows_whether_batches_are_equal(ranks):
    """While it trains; without rounding up, the ranks have two videos and one. Of
    a collate function of the user's nothing is known."""
    for cases in ranks[1]:
        assert [case[-1] for case in cases] == [
            (True, False),
            (False, False),
            (False, False),
        ]
