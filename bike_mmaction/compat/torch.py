"""Remedies for PyTorch's data loaders: lost processes, random draws."""

import mmap
import os
import re
from collections.abc import Callable
from functools import wraps
from typing import Optional

from .registry import remedy, replace

_SLOTS, _SIZE = 512, 1024  # of processes, and bytes of each
# Seen by all processes that are copied from this one, as data loaders' are.
_FILES = mmap.mmap(-1, _SLOTS * _SIZE)
_LOST = re.compile(r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)')


def note_file(path: str) -> None:
    """Note what this process reads, for the day that it crashes."""
    text = f'{os.getpid()}\n{path}'.encode(errors='surrogateescape')[: _SIZE - 1]
    start = os.getpid() % _SLOTS * _SIZE
    _FILES[start : start + len(text) + 1] = text + b'\0'


def file_of(process: int) -> Optional[str]:
    """What a process has noted last, if anything."""
    start = process % _SLOTS * _SIZE
    text = _FILES[start : start + _SIZE].partition(b'\0')[0]
    number, _, path = text.decode(errors='replace').partition('\n')
    return path if number == str(process) else None


@remedy('torch', '<=2.15', 'a crash of a data loader does not name the file')
def name_file_of_lost_loaders() -> None:
    """``DataLoader worker (pid 1) is killed by signal: Aborted``, of any file.

    The message then ends with the file that was being read. It comes from a
    handler of signals or from the loader, whichever notices first.
    """
    from torch.utils.data import dataloader
    from torch.utils.data._utils import signal_handling

    replace(signal_handling, '_error_if_any_worker_fails', _naming)
    replace(dataloader._MultiProcessingDataLoaderIter, '_try_get_data', _naming)


def _naming(original: Callable) -> Callable:
    @wraps(original)
    def call(*args, **kwargs):
        try:
            return original(*args, **kwargs)
        except RuntimeError as error:
            text = str(error).strip()
            lost = _LOST.search(text)
            numbers = lost[1].split(',') if lost else []
            files = [file_of(int(number)) for number in numbers]
            names = ', '.join(f"'{name}'" for name in files if name)
            if not names or names in text:
                raise
            raise RuntimeError(f'{text} It was reading {names}.') from error

    return call


@remedy('torch', '<=2.15', 'what a sample draws depends on the worker, and on others')
def draw_by_sample() -> None:
    """An index with a method ``drawing`` is loaded inside of that context.

    All loaders get their samples here, in whatever process, from whatever
    data set. See :class:`bike_mmaction.training.draws.SampleNumber`.
    """
    from torch.utils.data._utils.fetch import _MapDatasetFetcher

    def by_index(original):
        def fetch(self, batch):
            if isinstance(batch, list) and batch and hasattr(batch[0], 'drawing'):
                return self.collate_fn([_draw(self.dataset, one) for one in batch])
            return original(self, batch)

        return fetch

    replace(_MapDatasetFetcher, 'fetch', by_index)


def _draw(dataset, index):
    with index.drawing():
        return dataset[index]
