"""A training that was stopped ends as if nobody had stopped it."""

from typing import Any, Optional

from mmaction.registry import HOOKS
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from .draws import NumberedBatches, seed_process

STATE = 'bike_training'  # the key in a checkpoint


def place_in_epoch(saved: dict, length: int) -> int:
    """Iterations that a checkpoint has behind it of an epoch that is not over.

    Args:
        saved (dict): What :class:`ExactResume` has saved, or nothing.
        length (int): Iterations of an epoch now. Where it had another number,
            as many samples count as then.
    """
    done = saved.get('done', 0)
    return done * length // saved['length'] if done else 0


@HOOKS.register_module()
class ExactResume(Hook):
    """Resume with the draws and at the place of a training by epochs.

    All that is drawn follows from the seed, see :mod:`.draws`. A checkpoint
    holds the seeds, which count again on resume, and how far the epoch was:
    it goes on behind the batches that were done, without loading them.

    On a CPU a resumed training ends with the same bits as one that was never
    stopped, whatever the number of workers; on a GPU as far as its kernels
    give the same bits twice. The number of ranks has to stay. Gradients of
    ``accumulative_counts`` that were not applied yet are not saved.
    """

    # Before those that draw, and before a checkpoint is written.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._saved: dict = {}
        self._batches: Optional[NumberedBatches] = None
        self._sampler: Any = None
        self._seed = self._done = 0

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note where a training that goes on stood."""
        self._saved = checkpoint.get(STATE) or {} if runner._resume else {}

    def before_train(self, runner) -> None:
        """Let samples draw by their numbers, and go to the right place."""
        loader = runner.train_loop.dataloader
        if not isinstance(runner.train_loop, EpochBasedTrainLoop) or (
            loader.batch_sampler is None
        ):
            return
        self._seed = _same_everywhere(int(self._saved.get('seed', runner.seed)))
        # Which gives the order; a loader with own batches has another one.
        self._sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
        if self._saved.get('sampler_seed') is not None:
            self._sampler.seed = self._saved['sampler_seed']
        batches = NumberedBatches(loader.batch_sampler, self._seed)
        length, before = len(loader), self._saved.get('length')
        self._done = batches.done = place_in_epoch(self._saved, length)
        if self._done and before != length:
            print_log(
                f'An epoch has {length} iterations, and had {before}: it goes on '
                f'as if {self._done} of them were done',
                'current',
            )
        # A loader takes no other batches once it is built, as these might be
        # lost on those who look at it; here nobody has yet.
        vars(loader)['batch_sampler'] = self._batches = batches

    def before_train_epoch(self, runner) -> None:
        """Tell the samples their epoch."""
        if self._batches is not None:
            self._batches.epoch = runner.epoch

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        """Seed what model and hooks will draw."""
        if self._batches is not None:
            seed_process(self._seed, get_rank(), runner.iter)

    def after_train_iter(self, runner, batch_idx: int, *args, **kwargs) -> None:
        """Note the place."""
        self._done = batch_idx + 1

    def after_train_epoch(self, runner) -> None:
        """The next epoch begins at its begin."""
        self._done = 0
        if self._batches is not None:
            self._batches.done = 0

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save seeds and place."""
        if self._batches is not None:
            order = getattr(self._sampler, 'seed', None)
            checkpoint[STATE] = dict(
                seed=self._seed,
                sampler_seed=None if order is None else int(order),
                done=self._done,
                length=len(self._batches),
            )


def _same_everywhere(value: int) -> int:
    """That of the main process: ``diff_rank_seed`` gives each its own."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


@HOOKS.register_module()
class MakeUpValidation(Hook):
    """Validate before training goes on, where a kill may have hindered it.

    A checkpoint is written before the validation of its epoch, or iteration:
    without it, that one could never be the best.
    """

    # When all others are ready.
    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        """Run the validation that is due; it gives what it has given before."""
        if not runner._resume or runner.val_loop is None:
            return
        loop = runner.train_loop
        batches = getattr(loop.dataloader, 'batch_sampler', None)
        if getattr(batches, 'done', 0) or not hasattr(loop, 'val_begin'):
            return
        loop._decide_current_val_interval()
        done, last, unit = loop.epoch, loop.max_epochs, 'epoch'
        if isinstance(loop, IterBasedTrainLoop):
            done, last, unit = loop.iter, loop.max_iters, 'iteration'
        is_time = done % loop.val_interval == 0 or done == last
        if done and done >= loop.val_begin and is_time:
            print_log(f'Validation of {unit} {done}, which may be missing', 'current')
            runner.val_loop.run()
