"""Stopping as soon as a number is not finite."""

import math
from typing import Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook

from ..errors import NonFiniteError
from ..files import source_of
from ..models.finite import check_predictions, check_weights
from ..models.wrappers import unwrap_model

ADVICE = (
    'Look at the learning rate (optim_wrapper.optimizer.lr), the '
    'precision (optim_wrapper.dtype=bfloat16, or '
    'optim_wrapper.type=OptimWrapper for float32) and what training '
    'began with (load_from); checkpoints of earlier epochs are sound'
)


@HOOKS.register_module()
class CheckFinite(Hook):
    """Stop training and testing at the first number that means nothing.

    A loss that is NaN or infinite stops training at once, on all ranks, and
    before any checkpoint is written. Gradients may be infinite: a loss
    scaler then leaves out the step. Weights are looked at when training and
    tests begin and before a checkpoint is written, scores in each batch of
    validation and testing.

    What it costs: ``RuntimeInfoHook`` has already waited for the losses of
    the iteration, they are read once more. Several ranks then exchange one
    number, so that all of them stop.
    """

    # Behind RuntimeInfoHook, before those that log and save.
    priority = 'ABOVE_NORMAL'
    _checked = False  # whether the weights were, since the last step

    def before_train(self, runner) -> None:
        """Refuse a model that begins with such weights."""
        check_weights(unwrap_model(runner.model), f'not finite in {_origin(runner)}')

    def before_test(self, runner) -> None:
        """As :meth:`before_train`."""
        self.before_train(runner)

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
            name: float(torch.as_tensor(value).detach())
            for name, value in (outputs or {}).items()
            if 'loss' in name
        }
        bad = {k: v for k, v in losses.items() if not math.isfinite(v)}
        if on_any_rank(bool(bad)):
            raise NonFiniteError(
                f'epoch {runner.epoch + 1}, iteration {batch_idx + 1}: '
                f'{_describe(bad, _sources(data_batch))}. {ADVICE}'
            )

    def after_train_epoch(self, runner) -> None:
        """Look at the weights: the last step may have spoilt them."""
        check_weights(
            unwrap_model(runner.model),
            f'after epoch {runner.epoch + 1} weights are not '
            f'finite, though the losses were. {ADVICE}. The weights are',
        )
        self._checked = True

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """As :meth:`after_train_epoch`, which has seen these weights already
        where checkpoints are written after epochs."""
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


def _sources(data_batch) -> list[str]:
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
    return [source_of(sample) for sample in samples]


def _describe(bad: dict[str, float], sources: list[str]) -> str:
    """Losses and videos of the ranks that have such losses."""
    parts = []
    for rank, (losses, videos) in enumerate(all_gather_object((bad, sources))):
        if losses:
            values = ', '.join(f'{k}={v}' for k, v in losses.items())
            more = f' and {len(videos) - 3} more' if len(videos) > 3 else ''
            parts.append(
                f'process {rank} has {values} with '
                f'{", ".join(videos[:3]) or "unknown videos"}{more}'
            )
    return '; '.join(parts)
