"""How long training is."""

from collections.abc import Iterator

from ..training.schedule import LENGTHS


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
