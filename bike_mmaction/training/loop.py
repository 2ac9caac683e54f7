"""A training loop for small training sets, and for the rest of an epoch."""

import logging
from typing import Any

import torch
from mmaction.registry import LOOPS
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop

from .equal import equal_batches


@LOOPS.register_module()
class AnySizeTrainLoop(EpochBasedTrainLoop):
    """Epochs that are never empty, and that may go on in their middle.

    With ``drop_last=True`` a loader leaves out the last batch of an epoch if
    it is incomplete. Where that is the only one, it is kept. For a GPU, batches
    are put into page-locked memory, unless ``dataloader.pin_memory`` says no.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): Of the training set.
        **kwargs: As in ``EpochBasedTrainLoop``.
    """

    def __init__(self, runner, dataloader, **kwargs) -> None:
        super().__init__(runner, dataloader, **kwargs)
        loader = self.dataloader
        if torch.cuda.is_available() and not _says_where(dataloader):
            loader.pin_memory = True  # a GPU copies from there by itself
        if len(loader) or not len(loader.dataset):
            return
        # It has nothing else that counts batches; the schedule, which is
        # built later, asks the loader for its length.
        loader.batch_sampler.drop_last = False
        self._max_iters = self._max_epochs * len(loader)
        print_log(
            f'The training set has {len(loader.dataset)} videos, which is '
            f'{len(loader.sampler)} for each of {get_world_size()} processes '
            f'and less than train_dataloader.batch_size={loader.batch_size}: '
            'they are one incomplete batch, which is kept in spite of '
            'drop_last=True',
            'current',
            logging.WARNING,
        )

    def run(self) -> Any:
        """As of MMEngine's."""
        with equal_batches(self.runner.model, self.dataloader):
            return super().run()

    def run_iter(self, idx: int, data_batch) -> None:
        """One iteration, counted from the begin of its epoch.

        Args:
            idx (int): Its number among those since the training goes on.
            data_batch (dict): The batch.
        """
        done = getattr(self.dataloader.batch_sampler, 'done', 0)  # ExactResume
        super().run_iter(done + idx, data_batch)


def _says_where(dataloader: Any) -> bool:
    return not isinstance(dataloader, dict) or 'pin_memory' in dataloader
