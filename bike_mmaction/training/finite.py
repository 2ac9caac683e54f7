"""Stopping as soon as a number is not finite."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook, LoggerHook

from ..errors import NonFiniteError
from ..files import source_of
from ..models.finite import check_predictions, check_weights
from ..models.wrappers import unwrap_model
from .late import is_unread, read

ADVICE = (
    'Look at the learning rate (optim_wrapper.optimizer.lr), the '
    'precision (optim_wrapper.dtype=bfloat16, or '
    'optim_wrapper.type=OptimWrapper for float32) and what training '
    'began with (load_from); checkpoints of earlier epochs are sound'
)
MOST_LATE = 100  # iterations, where less is logged


class Losses(NamedTuple):
    """Those of an iteration.

    Attributes:
        place (tuple[int, int]): Epoch, and iteration of it, from 1.
        values (dict): By name; tensors, or numbers once they are read.
        videos (list[str]): Of the batch.
    """

    place: tuple[int, int]
    values: dict[str, Any]
    videos: list[str]


@HOOKS.register_module()
class CheckFinite(Hook):
    """Stop training and testing at the first number that means nothing.

    A loss that is NaN or infinite stops training at once, on all ranks, and
    before any checkpoint is written. Gradients may be infinite: a loss
    scaler then leaves out the step. Weights are looked at when training and
    tests begin and before a checkpoint is written, scores in each batch of
    validation and testing.

    A GPU is not waited for in each iteration: losses are looked at when they are
    logged, at the end of an epoch, and before validation and checkpoints. A
    training then stops that much later, and names the iteration that was the
    first. Several ranks exchange one number, so that all of them stop.

    Args:
        interval (int, optional): Iterations after which losses on a GPU are looked
            at. Defaults to None: that of ``LoggerHook``, at most 100.
    """

    # Behind RuntimeInfoHook, before those that log and save.
    priority = 'ABOVE_NORMAL'
    _checked = False  # whether the weights were, since the last step

    def __init__(self, interval: Optional[int] = None) -> None:
        self.interval = interval
        self._unread: list[Losses] = []

    def before_train(self, runner) -> None:
        """Refuse a model that begins with such weights."""
        check_weights(unwrap_model(runner.model), f'not finite in {_origin(runner)}')
        if self.interval is None:
            loggers = [x.interval for x in runner.hooks if isinstance(x, LoggerHook)]
            self.interval = min([*loggers, MOST_LATE])

    def before_test(self, runner) -> None:
        """As :meth:`before_train`."""
        check_weights(unwrap_model(runner.model), f'not finite in {_origin(runner)}')

    def after_train_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Look at the losses.

        Raises:
            NonFiniteError: naming epoch, iteration, losses and videos.
        """
        self._checked = False
        losses = {
            name: torch.as_tensor(value).detach()
            for name, value in (outputs or {}).items()
            if 'loss' in name
        }
        place = runner.epoch + 1, batch_idx + 1
        self._unread.append(Losses(place, losses, _sources(data_batch)))
        if (
            not any(map(is_unread, losses.values()))
            or self.every_n_inner_iters(batch_idx, self.interval or MOST_LATE)
            or self.end_of_epoch(runner.train_dataloader, batch_idx)
        ):
            self.look_at_losses()

    def look_at_losses(self) -> None:
        """Those that were not looked at yet; all ranks have to call it.

        Raises:
            NonFiniteError: on all ranks, naming the first iteration that is bad.
        """
        if not self._unread:
            return
        bad = _first_bad(self._unread)
        self._unread = []
        if on_any_rank(bad is not None):
            raise NonFiniteError(f'{_describe(all_gather_object(bad))}. {ADVICE}')

    def before_val_epoch(self, runner) -> None:
        """Look at the losses, so that nothing is the best that means nothing."""
        self.look_at_losses()

    def after_train_epoch(self, runner) -> None:
        """Look at the weights: the last step may have spoilt them."""
        self.look_at_losses()
        check_weights(
            unwrap_model(runner.model),
            f'after epoch {runner.epoch + 1} weights are not '
            f'finite, though the losses were. {ADVICE}. The weights are',
        )
        self._checked = True

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """As :meth:`after_train_epoch`, which has seen these weights already
        where checkpoints are written after epochs. Only one rank saves."""
        bad = _first_bad(self._unread)
        if bad is not None:
            raise NonFiniteError(f'{_describe([bad])}. {ADVICE}')
        if self._checked:
            return
        check_weights(
            unwrap_model(runner.model),
            f'after iteration {runner.iter + 1} weights are '
            f'not finite, so that no checkpoint is written. {ADVICE}. The '
            'weights are',
        )

    def after_val_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[list] = None,
    ) -> None:
        """Look at the scores."""
        if isinstance(outputs, (list, tuple)):  # no bare features
            check_predictions(outputs, unwrap_model(runner.model))

    def after_test_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[list] = None,
    ) -> None:
        """Look at the scores."""
        self.after_val_iter(runner, batch_idx, data_batch, outputs)


def look_at_losses(runner) -> None:
    """As that of a :class:`CheckFinite` that a runner may have."""
    for hook in runner.hooks:
        if isinstance(hook, CheckFinite):
            hook.look_at_losses()


def _origin(runner) -> str:
    """Where the weights come from, as far as the runner knows."""
    if runner._load_from:
        return f"checkpoint '{runner._load_from}'"
    return (
        'the checkpoint that is resumed'
        if runner._resume
        else 'the weights to begin with'
    )


def on_any_rank(flag: bool) -> bool:
    if get_world_size() == 1:
        return flag
    number = torch.tensor(float(flag))
    all_reduce(number, 'max')
    return bool(number)


def _sources(data_batch: Any) -> list[str]:
    """Videos of a batch; none where it is of another form than MMAction2's."""
    samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
    if not isinstance(samples, (list, tuple)):
        return []
    return [source_of(sample) for sample in samples if hasattr(sample, 'get')]


def _first_bad(unread: Sequence[Losses]) -> Optional[Losses]:
    """The first of them that are not finite, and of those only these."""
    late = [x for losses in unread for x in losses.values.values() if is_unread(x)]
    numbers = iter(read(late))
    for losses in unread:
        values = {
            name: next(numbers) if is_unread(x) else float(x)
            for name, x in losses.values.items()
        }
        bad = {name: x for name, x in values.items() if not math.isfinite(x)}
        if bad:
            return losses._replace(values=bad)
    return None


def _describe(bad: Sequence[Optional[Losses]]) -> str:
    """Losses and videos of the ranks that were the first to have such losses."""
    first = min(losses.place for losses in bad if losses is not None)
    parts = []
    for rank, losses in enumerate(bad):
        if losses is not None and losses.place == first:
            values = ', '.join(f'{k}={v}' for k, v in losses.values.items())
            videos = losses.videos
            more = f' and {len(videos) - 3} more' if len(videos) > 3 else ''
            parts.append(
                f'process {rank} has {values} with '
                f'{", ".join(videos[:3]) or "unknown videos"}{more}'
            )
    return f'epoch {first[0]}, iteration {first[1]}: {"; ".join(parts)}'
