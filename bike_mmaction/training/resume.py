"""Options that a resumed training takes from its checkpoint."""

import logging
import warnings
from collections import Counter

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop

from ..checkpoint.latest import is_resumable
from .exact import STATE, place_in_epoch

# What an optimizer keeps beside its options, and how it computes them.
_NOT_OPTIONS = ('params', 'foreach', 'fused', 'capturable', 'differentiable')
# What a scheduler keeps of where it stands.
_PROGRESS = (
    'last_step',
    '_global_step',
    '_last_value',
    'base_values',
    'verbose',
    'best',
    'num_bad_epochs',
    'cooldown_counter',
    'total_iters',
    'cumulative_periods',
    '_schedule_phases',
    'anneal_func',
)
_STEPS = ('begin', 'end', 'T_max', 'total_steps', 'milestones', 'step_size', 'periods')


@HOOKS.register_module()
class CheckResume(Hook):
    """Tell of options that resuming would silently ignore, or apply them.

    A checkpoint holds the state of the optimizer and of the schedule, with
    the options they were made with. These replace what the config says.

    Args:
        override (bool): Whether the config counts instead: the optimizer
            keeps its moments, the schedule begins where the checkpoint
            stands. Defaults to False: options that differ are refused.
    """

    def __init__(self, override: bool = False) -> None:
        self.override = override

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Compare, before the runner takes over the state.

        Raises:
            ValueError: naming each option with its old and new value; or if
                the checkpoint holds no training that could go on.
        """
        if not runner._resume:
            return
        _check_training(runner, checkpoint)
        if 'optimizer' not in checkpoint or isinstance(
            runner.optim_wrapper, OptimWrapperDict
        ):
            return
        if self.override:
            use_config(runner, checkpoint)
        else:
            changed = changed_options(runner, checkpoint)
            if changed:
                raise ValueError(
                    'resuming takes the optimizer and the schedule from the '
                    'checkpoint, so that these options would have no effect: '
                    f'{"; ".join(changed)}. Give them as they were; or add '
                    '--override-schedule (default_hooks.check_resume.override='
                    'True), and the new values count from there on'
                )
        _warn_of_no_epochs(runner, checkpoint)


def _check_training(runner, checkpoint: dict) -> None:
    """Refuse a checkpoint that holds weights alone."""
    if not is_resumable(checkpoint):
        raise ValueError(
            f"'{runner._load_from or runner.work_dir}' has weights, but "
            'no training that could be resumed: to begin with them, name '
            'it in load_from (--cfg-options load_from=...) instead'
        )


def _warn_of_no_epochs(runner, checkpoint: dict) -> None:
    """Say so if the training of a checkpoint is complete."""
    done = checkpoint['meta'].get('epoch', 0)
    by_epochs = not isinstance(runner.train_loop, IterBasedTrainLoop)
    if by_epochs and done >= runner.max_epochs:
        print_log(
            f'Nothing is left to train: the checkpoint is of epoch {done} '
            f'of {runner.max_epochs}',
            'current',
            logging.WARNING,
        )


def changed_options(runner, checkpoint: dict) -> list[str]:
    """Options of which a checkpoint has other values than the runner.

    Args:
        runner (Runner): With optimizer and schedulers as its config says.
        checkpoint (dict): With the state of both.

    Returns:
        list[str]: Such as 'optim_wrapper.optimizer.lr: 5e-05 -> 0.0001'.
    """
    changed = _changes_of_optimizer(
        _groups(checkpoint['optimizer']), _groups(runner.optim_wrapper.state_dict())
    )
    old = checkpoint.get('param_schedulers') or []
    new = runner.param_schedulers or []
    if len(old) != len(new):
        return [*changed, f'param_scheduler: {len(old)} -> {len(new)} of them']
    lengths, moved = _epoch_lengths(runner, checkpoint), False
    for i, (state, scheduler) in enumerate(zip(old, new)):
        changes, by_length = _changes_of_scheduler(state, scheduler, lengths)
        changed += [f'param_scheduler.{i}.{change}' for change in changes]
        moved |= by_length
    if moved:
        changed.append(
            f'iterations of an epoch: {lengths[0]:g} -> {lengths[1]:g} '
            '(train_dataloader.batch_size or drop_last, processes or training '
            'set), while the schedule counts iterations'
        )
    return changed


def _groups(state: dict) -> list[dict]:
    """Options of each group of parameters; first those of the config."""
    base = state.get('base_param_settings')
    return [*([base] if base else []), *state['param_groups']]


def _changes_of_optimizer(old: list[dict], new: list[dict]) -> list[str]:
    """Options of the groups, each with its pairs of values."""
    pairs: dict[str, dict[str, None]] = {}
    for before, now in zip(map(_as_configured, old), map(_as_configured, new)):
        for key in sorted(before.keys() & now.keys() - set(_NOT_OPTIONS)):
            if _plain(before[key]) != _plain(now[key]):
                pairs.setdefault(key, {})[f'{before[key]} -> {now[key]}'] = None
    return [
        f'optim_wrapper.optimizer.{name}: {", ".join(list(texts)[:3])}'
        for name, texts in pairs.items()
    ]


def _as_configured(group: dict) -> dict:
    """What schedules move they keep beside it: rate, momentum, betas."""
    start = 'initial_'
    first = {k[len(start) :]: v for k, v in group.items() if start in k}
    if 'momentum' in first and 'betas' in group:
        first['betas'] = (first['momentum'], *group['betas'][1:])
    return {k: first.get(k, v) for k, v in group.items() if start not in k}


def _changes_of_scheduler(
    state: dict, scheduler, lengths: tuple[float, float]
) -> tuple:
    """Options of a scheduler, and whether only the epochs' length differs.

    Steps of a schedule that counts iterations are told in epochs.
    """
    now, changes, by_length = scheduler.state_dict(), [], False
    for key in sorted((state.keys() | now.keys()) - set(_PROGRESS)):
        values = [_plain(x.get(key)) for x in (state, now)]
        if values[0] == values[1]:
            continue
        unit = ''
        if (
            key in _STEPS
            and None not in values
            and not scheduler.by_epoch
            and all(lengths)
        ):
            values = [_divide(v, n) for v, n in zip(values, lengths)]
            unit = ' epochs'
        if values[0] == values[1]:
            by_length = True
        else:
            changes.append('{}: {} -> {}{}'.format(key, *values, unit))
    return changes, by_length


def _epoch_lengths(runner, checkpoint: dict) -> tuple[float, float]:
    """Iterations of an epoch, then and now; 0 where there are no epochs."""
    then = checkpoint.get('message_hub', {}).get('runtime_info', {})
    if isinstance(runner.train_loop, IterBasedTrainLoop) or not then.get('max_epochs'):
        return 0, 0
    return then['max_iters'] / then['max_epochs'], len(runner.train_dataloader)


def _divide(steps, length: float):
    if isinstance(steps, tuple):
        return tuple(_divide(step, length) for step in steps)
    epochs = round(steps / length, 3)
    return int(epochs) if epochs == int(epochs) else epochs


def _plain(value):
    """Comparable, whatever it was read from."""
    if isinstance(value, Counter):  # of milestones
        return tuple(sorted(value.elements()))
    return tuple(value) if isinstance(value, list) else value


def use_config(runner, checkpoint: dict) -> None:
    """Make a checkpoint resume with the optimizer and schedule of a config.

    Args:
        runner (Runner): With optimizer and schedulers as its config says;
            the schedulers are brought to where the checkpoint stands.
        checkpoint (dict): Its optimizer's options are replaced, and its
            schedulers are taken out.
    """
    for change in changed_options(runner, checkpoint):
        print_log(f'Changed at resuming: {change}', 'current')
    _advance(runner, checkpoint)
    old, new = checkpoint['optimizer'], runner.optim_wrapper.state_dict()
    for before, now in zip(_groups(old), _groups(new)):
        before.update({k: v for k, v in now.items() if k != 'params'})
    checkpoint.pop('param_schedulers', None)


def _advance(runner, checkpoint: dict) -> None:
    """Take the steps of the schedule that lie behind a checkpoint."""
    meta = checkpoint['meta']
    schedulers = runner.param_schedulers or []
    by_epoch = [s for s in schedulers if s.by_epoch]
    by_iteration = [s for s in schedulers if not s.by_epoch]
    epochs, length = meta['epoch'], len(runner.train_dataloader)
    rest = place_in_epoch(checkpoint.get(STATE, {}), length)
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        epochs, rest = 0, meta['iter']
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that the optimizer took no step
        for steps in (*[length] * epochs, rest):
            for _ in range(steps):
                for scheduler in by_iteration:
                    scheduler.step()
            epochs -= 1
            for scheduler in by_epoch if epochs >= 0 else ():
                scheduler.step()
