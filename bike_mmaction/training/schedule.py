"""A schedule that ends when training does."""

from collections.abc import Sequence
from typing import Optional

from mmengine.optim.scheduler.param_scheduler import (
    ConstantParamScheduler,
    CosineAnnealingParamScheduler,
    LinearParamScheduler,
    OneCycleParamScheduler,
    PolyParamScheduler,
    _ParamScheduler,
)

from ..renamed import old_names

# What falls until its end, and by which option its length is known.
LENGTHS = {
    CosineAnnealingParamScheduler: 'T_max',
    OneCycleParamScheduler: 'total_steps',
}

__getattr__ = old_names(__name__)


class Run:
    """How long training is, in the units of schedules.

    Args:
        epochs (int, optional): ``max_epochs``; None where iterations are
            counted.
        iterations (int): ``max_iters``.
    """

    def __init__(self, epochs: Optional[int], iterations: int) -> None:
        self.epochs, self.iterations = epochs, iterations
        self.option = (
            f'train_cfg.max_iters={iterations}'
            if epochs is None
            else f'train_cfg.max_epochs={epochs}'
        )

    def end(self, by_epoch: bool) -> int:
        """The last step of it; to the loop by iterations all is one epoch."""
        return (self.epochs or 1) if by_epoch else self.iterations

    def name(self, step: float, by_epoch: bool) -> str:
        """A step in words, in epochs where they are known."""
        if by_epoch:
            return f'epoch {step:g}'
        if self.epochs is None:
            return f'iteration {step:g}'
        return f'epoch {round(step * self.epochs / self.iterations, 3):g}'


def check_schedule(schedulers: Sequence[_ParamScheduler], run: Run) -> None:
    """Refuse a schedule that certainly was made for another length.

    That is one which begins after the end of training, whose warm-up is
    longer, or which falls (cosine, one cycle, polynomial) to an end that is
    not that of training, where nothing takes over. Steps and constants may
    end as they like.

    Args:
        schedulers (Sequence[_ParamScheduler]): Those of one optimizer, as
            the runner has built them.
        run (Run): The training.

    Raises:
        ValueError: naming both lengths and the cure.
    """
    for i, scheduler in enumerate(schedulers):
        problem = _misfit(scheduler, schedulers, run)
        if problem:
            raise ValueError(
                f'{run.option}, but param_scheduler.{i} '
                f'({type(scheduler).__name__}) {problem}. The option --epochs '
                'of tools/train.py changes both alike; without it, set begin, '
                'end and T_max of param_scheduler too'
            )


def _misfit(
    scheduler: _ParamScheduler, others: Sequence[_ParamScheduler], run: Run
) -> str:
    """What is wrong with a scheduler, in words; '' if nothing is."""
    by_epoch, begin, end = (scheduler.by_epoch, scheduler.begin, scheduler.end)
    last = run.end(by_epoch)
    if begin >= last:
        return f'begins at {run.name(begin, by_epoch)}, when it has ended'
    if end > last and (
        isinstance(scheduler, LinearParamScheduler)
        or (isinstance(scheduler, ConstantParamScheduler) and scheduler.factor != 1)
    ):
        return f'ends at {run.name(end, by_epoch)}, after it has ended'
    goal = _goal(scheduler)
    if goal is None:
        return ''
    slack = 0 if by_epoch else 1  # of fractions of epochs
    if end >= last and abs(goal - last) <= slack:
        return ''
    # MMAction2's own configs also count a cosine's length from the begin of
    # training, though it begins after the warm-up.
    if abs(end - last) <= slack and abs(goal - begin - last) <= slack:
        return ''
    if end < last and (
        _follows(others, scheduler) or (end == goal and _lowest(scheduler) > 0)
    ):
        return ''
    stop = goal if end >= last else min(goal, end)
    return f'falls until {run.name(stop, by_epoch)}'


def _goal(scheduler: _ParamScheduler) -> Optional[float]:
    """Where a scheduler reaches its lowest value; None for other kinds."""
    for kind, option in LENGTHS.items():
        if isinstance(scheduler, kind):
            return scheduler.begin + getattr(scheduler, option)
    falls = isinstance(scheduler, PolyParamScheduler) or (
        isinstance(scheduler, LinearParamScheduler)
        and scheduler.end_factor < scheduler.start_factor
    )
    return scheduler.end if falls else None


def _lowest(scheduler: _ParamScheduler) -> float:
    """The value, or its share, that is left after the end."""
    names = ('eta_min', 'eta_min_ratio', 'end_factor')
    return max(getattr(scheduler, name, None) or 0 for name in names)


def _follows(others: Sequence[_ParamScheduler], scheduler: _ParamScheduler) -> bool:
    """Whether another one takes over where a scheduler ends."""
    return any(
        other is not scheduler
        and other.param_name == scheduler.param_name
        and other.begin <= scheduler.end < other.end
        and other.by_epoch == scheduler.by_epoch
        for other in others
    )
