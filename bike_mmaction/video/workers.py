"""Tasks in worker processes, where a crash or a hang costs one of them.

>>> with WorkerPool(read, workers=4, time_limit=30) as pool:
...     for value, error in pool.map(paths):
...         print(value if error is None else error)
"""

import itertools
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any, Optional

from .errors import CrashError, TimeLimitError, VideoError
from .processes import WorkerProcess, describe_end
from .worker import Outcome, receive

TIME_LIMIT = 60.0  # seconds for a file, where nobody says another
_GRACE = 5.0  # seconds, after which this process ends one that is late
_READY = 60.0  # seconds to start in
_STARTS = 3  # of a worker, before that is an error


class WorkerError(RuntimeError):
    """The process that did a task was lost; says how.

    Args:
        reason (str): In words.
        is_late (bool): Whether it took longer than the limit. Defaults to
            False: it crashed.
    """

    def __init__(self, reason: str, is_late: bool = False) -> None:
        super().__init__(reason)
        self.is_late = is_late

    def of_video(self, path: str) -> VideoError:
        """The same, of the video that was read."""
        return (TimeLimitError if self.is_late else CrashError)(path, str(self))


class WorkerPool:
    """Processes that do tasks, and are replaced where one is lost.

    A task that ends its process, or takes longer than the limit, costs that
    task alone. Tasks that such a process had not begun are done by another.

    Args:
        function (Callable): Does a task. Elsewhere than on Linux it must be
            one that can be pickled.
        workers (int): Number of processes; they start when they are needed.
        time_limit (float, optional): Seconds for a task. Defaults to None:
            as long as it takes.
        ahead (int): Tasks per worker that are done before somebody takes what
            came of the first of them: a limit of memory. Defaults to 2.

    Raises:
        ValueError: if one of these numbers is not positive.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        workers: int = 1,
        time_limit: Optional[float] = None,
        ahead: int = 2,
    ) -> None:
        if workers < 1 or ahead < 1 or (time_limit is not None and not time_limit > 0):
            raise ValueError(
                f'workers={workers}, time_limit={time_limit} and ahead={ahead} '
                'must be positive'
            )
        self._function, self._count = function, workers
        self.time_limit = None if time_limit == float('inf') else time_limit
        self._ahead = ahead
        self._workers: list[WorkerProcess] = []
        self._failed_starts = 0
        self._file_of: Optional[Callable[[Any], Any]] = None
        self._late: set = set()
        weakref.finalize(self, _stop_all, self._workers)

    def __enter__(self) -> 'WorkerPool':
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        _stop_all(self._workers)

    def map(
        self, tasks: Iterable, file_of: Optional[Callable[[Any], Any]] = None
    ) -> Iterator[Outcome]:
        """Do tasks; what came of them, in their order.

        Args:
            tasks (Iterable): Each is sent to a process.
            file_of (Callable, optional): Of a task, which file it reads. When
                one is late, no other of that file is waited for.

        Raises:
            WorkerError: if no process can be started.
        """
        numbered = enumerate(tasks)
        outcomes: dict[int, Outcome] = {}
        self._file_of, self._late = file_of, set()
        try:
            for next_number in itertools.count():
                while next_number not in outcomes:
                    self._hand_out(numbered, outcomes)
                    if not outcomes and not any(w.tasks for w in self._workers):
                        return
                    if next_number not in outcomes:
                        self._collect(outcomes)
                outcome = outcomes.pop(next_number)
                self._hand_out(numbered, outcomes)
                yield outcome
        finally:
            for worker in [worker for worker in self._workers if worker.tasks]:
                self._workers.remove(worker)  # nobody waits for these tasks
                worker.stop()

    def run(self, task: Any) -> Any:
        """Do one task; what the function returns.

        Raises:
            WorkerError: if its process was lost.
            Exception: what the function raises.
        """
        (outcome,) = self.map([task])
        try:
            if outcome.error is not None:
                raise outcome.error
            return outcome.value
        finally:
            del outcome  # else error and traceback keep each other, and the pool

    def _hand_out(self, numbered: Iterator, outcomes: dict[int, Outcome]) -> None:
        """Give tasks to those that have the fewest, up to the limit."""
        given = len(outcomes) + sum(len(worker.tasks) for worker in self._workers)
        for number, task in itertools.islice(
            numbered, max(0, self._count * self._ahead - given)
        ):
            if self._is_hopeless(task):
                outcomes[number] = Outcome(error=self._too_late())
                continue
            worker = min(self._workers, key=lambda w: len(w.tasks), default=None)
            has_room = len(self._workers) < self._count
            if worker is None or (worker.tasks and has_room):
                worker = self._start()
            worker.give(number, task)

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self._function, self.time_limit, self._workers)
        self._workers.append(worker)
        return worker

    def _collect(self, outcomes: dict[int, Outcome]) -> None:
        """Wait for something, and note what came of it."""
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(by_connection, self._patience()):
            worker = by_connection[connection]
            try:
                outcome = receive(worker.connection)
            except (EOFError, OSError):
                self._replace(worker, outcomes)
                continue
            worker.since = time.monotonic()
            if outcome is None:
                worker.is_ready, self._failed_starts = True, 0
            else:
                outcomes[worker.tasks.popleft()[0]] = outcome
                worker.done += 1
        for worker in list(self._workers):
            # What was sent in time is received first.
            if self._is_late(worker) and not worker.connection.poll():
                self._replace(worker, outcomes, is_late=True)

    def _allowed(self, worker: WorkerProcess) -> float:
        """Seconds for what it is doing; a little more, as it ends by itself."""
        if not worker.is_ready:
            return _READY
        if not worker.tasks or self.time_limit is None:
            return float('inf')
        return self.time_limit + _GRACE

    def _is_late(self, worker: WorkerProcess) -> bool:
        return time.monotonic() - worker.since > self._allowed(worker)

    def _patience(self) -> Optional[float]:
        """Seconds until one may be late."""
        ends = min(worker.since + self._allowed(worker) for worker in self._workers)
        return None if ends == float('inf') else max(0.01, ends - time.monotonic())

    def _replace(
        self, worker: WorkerProcess, outcomes: dict[int, Outcome], is_late: bool = False
    ) -> None:
        """One is lost: its first task has failed, the others get another.

        Where it had done other tasks, they may have broken it: the first task
        then has one more chance, in a new process.
        """
        worker.process.join(0 if is_late else 1)
        code = worker.process.exitcode
        self._workers.remove(worker)
        worker.stop()
        is_late = is_late or code == -getattr(signal, 'SIGALRM', float('nan'))
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise WorkerError(f'worker processes cannot be started ({code})')
        elif worker.tasks and (is_late or not worker.done):
            number, task = worker.tasks.popleft()
            reason = f'the process that read it crashed ({describe_end(code)})'
            error = self._too_late() if is_late else WorkerError(reason)
            outcomes[number] = Outcome(error=error)
            if is_late and self._file_of is not None:
                self._late.add(self._file_of(task))
        self._give_again(worker.tasks, outcomes)

    def _give_again(
        self, tasks: deque[tuple[int, Any]], outcomes: dict[int, Outcome]
    ) -> None:
        """Tasks of a process that is lost, to a new one."""
        replacement = None
        for number, task in tasks:
            if self._is_hopeless(task):
                outcomes[number] = Outcome(error=self._too_late())
                continue
            replacement = replacement or self._start()
            replacement.give(number, task)

    def _is_hopeless(self, task: Any) -> bool:
        return bool(self._late) and self._file_of(task) in self._late  # type: ignore

    def _too_late(self) -> WorkerError:
        return WorkerError(f'not read within {self.time_limit:g} s', is_late=True)


def _stop_all(workers: list[WorkerProcess]) -> None:
    for worker in workers:
        worker.kill()  # which takes a moment: all at once
    while workers:
        workers[-1].stop()
        workers.pop()
