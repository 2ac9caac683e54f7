"""How far a long job is: a bar in a terminal, a line now and then elsewhere."""

import sys
import time

from mmengine.dist import get_world_size, is_main_process
from tqdm import tqdm

from ..terminal import say

SECONDS = 30.0  # from one line to the next


class Progress:
    """Shown by the main process for all of them, which take turns.

    Args:
        total (int): Videos.
        done (int): Of these, what was done before.
        shown (bool): Whether to show anything.
        unit (str): What is counted. Defaults to 'video'.
    """

    def __init__(self, total: int, done: int, shown: bool, unit: str = 'video') -> None:
        self._total, self._before, self._unit = total, done, unit
        shown = shown and is_main_process()
        self._bar = tqdm(
            total=total, initial=done, unit=unit, disable=None if shown else True
        )
        self._has_lines = shown and self._bar.disable
        self._done, self._start = done, time.monotonic()
        self._last = self._start

    def __enter__(self) -> 'Progress':
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def update(self, count: int) -> None:
        """So many more are done by this process."""
        before = self._done
        self._done = min(before + count * get_world_size(), self._total)
        self._bar.update(self._done - before)
        now = time.monotonic()
        if self._has_lines and now - self._last >= SECONDS:
            self._last = now
            say(self._line(now - self._start), file=sys.stderr, flush=True)

    def _line(self, seconds: float) -> str:
        rate = max(self._done - self._before, 1) / seconds
        left = tqdm.format_interval((self._total - self._done) / rate)
        return (
            f'{self._done} of {self._total} {self._unit}s '
            f'({self._done / self._total:.1%}), {rate:.1f} a second, {left} left'
        )
