"""A schedule that ends when training does."""

from collections.abc import Iterator, Sequence
from typing import Optional

from mmengine.optim.scheduler.param_scheduler import (
    ConstantParamScheduler,
    CosineAnnealingParamScheduler,
    LinearParamScheduler,
    OneCycleParamScheduler,
    PolyParamScheduler,
    _ParamScheduler,
)

# What falls until its end, and by which option its length is known.
LENGTHS = {
    CosineAnnealingParamScheduler: 'T_max',
    OneCycleParamScheduler: 'total_steps',
}


def set_epochs(cfg, epochs: int) -> None:
    """Train for another number of epochs, by a schedule of that length.

    What ends with training ends with it again; a warm-up keeps its length.

    Args:
        cfg (Config | ConfigDict): The config to change.
        epochs (int): How many, from the beginning.

    Raises:
        ValueError: if the config counts iterations, or the warm-up is no
            shorter than the training.
    """
    before = (cfg.get('train_cfg') or {}).get('max_epochs')
    if before is None:
        raise ValueError(
            '--epochs is for a config that counts epochs: it has '
            'no train_cfg.max_epochs'
        )
    if epochs < 1:
        raise ValueError(f'--epochs {epochs} must be positive')
    cfg.train_cfg['max_epochs'] = epochs
    for key, scheduler in _configs(cfg.get('param_scheduler')):
        if scheduler.get('by_epoch', True):
            _move(key, scheduler, before, epochs)


def _move(key: str, scheduler: dict, before: int, epochs: int) -> None:
    """Let what ends with training end with it again."""
    begin, end = scheduler.get('begin', 0), scheduler.get('end', before)
    problem = ''
    if begin >= epochs:
        problem = f'begins at epoch {begin:g}'
    elif max(scheduler.get('milestones') or [0]) >= epochs:
        problem = f'has the milestones {scheduler["milestones"]}'
    elif before > end > epochs and 'milestones' not in scheduler:
        problem = f'ends at epoch {end:g}'
    if problem:
        raise ValueError(
            f'--epochs {epochs}: {key} ({scheduler["type"]}) {problem}, and '
            'only what ends with training is moved, not a warm-up. Give more '
            'epochs, or also change `begin`, `end` and `milestones` of '
            'param_scheduler by --cfg-options'
        )
    if end != before:
        return
    for option in LENGTHS.values():
        if scheduler.get(option) is not None:
            whole = scheduler[option] == before  # with the warm-up
            scheduler[option] = epochs if whole else epochs - begin
    if 'end' in scheduler:
        scheduler['end'] = epochs


def _configs(schedulers) -> Iterator[tuple[str, dict]]:
    """Name and content of each config, of one optimizer or several."""
    if isinstance(schedulers, dict):
        if 'type' in schedulers:
            yield 'param_scheduler', schedulers
            return
        for name, inner in schedulers.items():
            for key, config in _configs(inner):
                yield key.replace('param_scheduler', f'param_scheduler.{name}'), config
        return
    for i, config in enumerate(schedulers or ()):
        yield f'param_scheduler.{i}', config


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
