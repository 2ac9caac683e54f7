"""The smallest model that MMEngine's runner trains."""

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner


class Line(BaseModel):
    """A model of two numbers."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def forward(self, x, mode):
        return dict(loss=(self.line(x) ** 2).mean())


def line_runner(work_dir, numbers=(1.0, 1.0), max_epochs=1, **kwargs):
    """A runner that trains a :class:`Line`, a number a batch."""
    loader = dict(
        dataset=list(numbers),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=lambda batch: dict(x=torch.tensor(batch)[:, None]),
        batch_size=1,
    )
    return Runner(
        Line(),
        str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=max_epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        **kwargs,
    )
