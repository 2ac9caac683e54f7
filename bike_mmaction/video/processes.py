"""One worker process, as its parent sees it."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Optional

from .worker import serve

# As torch's data loaders: a copy of this process knows all that is imported
# and registered. It uses neither CUDA nor threads. Not safe on macOS.
_METHOD = 'fork' if sys.platform == 'linux' else 'spawn'
_CONTEXT: Any = multiprocessing.get_context(_METHOD)
# A process that starts meanwhile would keep the pipe of this one open.
_STARTING = threading.Lock()


def _renew_lock() -> None:
    """In a copy of this process nobody holds it."""
    global _STARTING
    _STARTING = threading.Lock()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def _allowed_children() -> Iterator[None]:
    """A data loader's worker may have none, lest they outlive it.

    These end themselves when their parent is gone.
    """
    config = getattr(multiprocessing.current_process(), '_config', {})
    kept = config.get('daemon')
    config['daemon'] = False
    try:
        yield
    finally:
        config['daemon'] = kept


class WorkerProcess:
    """A process and the tasks it was given.

    Attributes:
        tasks (deque): Numbers and tasks, the first one in work.
        done (int): Tasks it has finished.
        since (float): When it began, or was given something to do.
    """

    def __init__(
        self,
        function: Callable,
        limit: Optional[float],
        others: Iterable['WorkerProcess'],
    ) -> None:
        self._owner = os.getpid()
        with _STARTING, _allowed_children():
            self.connection, theirs = _CONTEXT.Pipe()
            inherited = [worker.connection for worker in others] + [self.connection]
            self.process = _CONTEXT.Process(
                target=serve,
                args=(theirs, inherited if _METHOD == 'fork' else [], function, limit),
                daemon=True,
            )
            self.process.start()
            theirs.close()
        self.tasks: deque[tuple[int, Any]] = deque()
        self.done, self.is_ready, self.since = 0, False, time.monotonic()

    def give(self, number: int, task: Any) -> None:
        """One more task."""
        if not self.tasks and self.is_ready:
            self.since = time.monotonic()
        self.tasks.append((number, task))
        with suppress(OSError):  # it is gone: that shows when it is to answer
            self.connection.send(task)

    def kill(self) -> None:
        """End it, whatever it is doing; nothing where this is a copy."""
        if os.getpid() == self._owner:
            self.process.kill()

    def stop(self) -> None:
        """End it, and release what it has held; nothing where this is a copy."""
        if os.getpid() != self._owner:
            return
        self.kill()
        self.process.join(1)  # one that waits for a dead disk cannot be ended
        self.connection.close()
        if self.process.exitcode is not None:
            self.process.close()


def describe_end(code: Optional[int]) -> str:
    """How a process ended."""
    if code is None or code >= 0:
        return f'exit status {code}'
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f'signal {-code}'
    return f'{name}: out of memory?' if name == 'SIGKILL' else name
