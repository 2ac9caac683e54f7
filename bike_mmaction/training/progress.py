"""What each of several processes is doing, for the message that one hangs."""

from typing import Optional

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ..ranks import note

_WORDS = dict(train='training', val='validation', test='the test')


@HOOKS.register_module()
class NoteProgress(Hook):
    """Note which batch is being read or computed, see :mod:`bike_mmaction.ranks`."""

    priority = 'VERY_HIGH'  # so that what other hooks do is told as computing

    def before_run(self, runner) -> None:
        """All is built."""
        note('reading weights and the first batch')

    def after_run(self, runner) -> None:
        """Others may yet write something."""
        note('ending', waits=True)

    def _before_iter(self, runner, batch_idx, data_batch=None, mode='train') -> None:
        note(f'computing {_batch(runner, batch_idx, mode)}')

    def _after_iter(
        self,
        runner,
        batch_idx: int,
        data_batch=None,
        outputs: Optional[object] = None,
        mode: str = 'train',
    ) -> None:
        loader = getattr(runner, f'{mode}_dataloader')
        if batch_idx + 1 < len(loader):
            note(f'reading {_batch(runner, batch_idx + 1, mode)}')
        elif mode == 'train':
            note(f'ending epoch {runner.epoch + 1}')
        else:
            note(f'waiting for the others at the end of {_WORDS[mode]}', waits=True)


def _batch(runner, index: int, mode: str) -> str:
    where = f'epoch {runner.epoch + 1}' if mode == 'train' else _WORDS[mode]
    total = len(getattr(runner, f'{mode}_dataloader'))
    return f'batch {index + 1} of {total} of {where}'
