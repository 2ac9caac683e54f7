"""A worker process: does tasks one after the other, and says what came of them.

Arrays do not pass through the pipe, as a worker would wait there for a parent
that is busy. They lie in memory without a name, which both processes see, and
which is gone with the last of them, however they end.
"""

import gc
import io
import mmap
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from multiprocessing import parent_process, reduction
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, Optional

_ALIGNED = 64  # bytes: what lies there may be read as any type
_LARGE = 2**16  # bytes: what is smaller may be kept for long
_CAN_SHARE = hasattr(os, 'memfd_create') and reduction.HAVE_SEND_HANDLE
_NEVER = 0.0
_memory_limit: Optional[int] = None
Warned = tuple[type[Warning], str]


class Outcome(NamedTuple):
    """What came of a task.

    Attributes:
        value: What the function returned; None after an error.
        error (Exception, optional): What it raised, or a
            :class:`.WorkerError` if its process was lost.
    """

    value: Any = None
    error: Optional[Exception] = None


class RemoteTraceback(Exception):
    """Where in a worker an error was raised: the cause of that error."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def serve(
    connection: Connection,
    inherited: Sequence[Connection],
    function: Callable,
    time_limit: Optional[float],
) -> None:
    """Do tasks until there are no more, or the parent is gone.

    Args:
        connection (Connection): Gives tasks, takes what came of them.
        inherited (Sequence[Connection]): Ends of the parent's own.
        function (Callable): Does a task.
        time_limit (float, optional): Seconds for a task. Then the system
            ends this process, whatever it is doing.
    """
    for other in inherited:
        other.close()
    _be_alone()
    parent = parent_process()
    sources: list = [connection, *([parent.sentinel] if parent else [])]
    connection.send('ready')
    while connection in wait(sources):
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        _set_timer(time_limit or _NEVER)
        content = _do(function, task)
        _set_timer(_NEVER)
        try:
            send(connection, content)
        except OSError:
            return


def _be_alone() -> None:
    """The signals, threads and objects of the parent are its own."""
    gc.freeze()  # else their memory is copied where they are counted
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, 'SIGALRM'):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    if _memory_limit is not None:
        _limit_own_memory(_memory_limit)
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)
    if 'cv2' in sys.modules:
        sys.modules['cv2'].setNumThreads(0)


def limit_memory(size: Optional[int]) -> None:
    """Of processes that start from now on, where they are copies of this one.

    What needs more fails there, and not this process or its machine. Linux
    alone counts so.

    Args:
        size (int, optional): Bytes above those of this process; None is
            without limit.
    """
    global _memory_limit
    _memory_limit = size


def _limit_own_memory(size: int) -> None:
    try:
        import resource

        with open('/proc/self/statm', encoding='ascii') as file:
            pages = int(file.read().split()[5])  # of data and stack
        used = pages * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = used + size if hard == resource.RLIM_INFINITY else min(used + size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    except (ImportError, OSError, ValueError):  # another system
        pass


def _set_timer(seconds: float) -> None:
    if hasattr(signal, 'setitimer'):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _do(function: Callable, task: Any) -> tuple[Outcome, str, list[Warned]]:
    """What came of a task, where an error was raised, and warnings."""
    with warnings.catch_warnings(record=True) as caught:
        try:
            outcome, place = Outcome(function(task)), ''
        except Exception as error:  # is the parent's to judge
            outcome, place = Outcome(error=error), traceback.format_exc()
    return outcome, place, [(w.category, str(w.message)) for w in caught]


class _Pickler(pickle.Pickler):
    """Also of tensors the memory is sent apart, as of arrays."""

    def reducer_override(self, value: Any) -> Any:
        torch = sys.modules.get('torch')
        if torch is not None and type(value) is torch.Tensor:
            try:
                return torch.from_numpy, (value.numpy(),)
            except (RuntimeError, TypeError):  # has gradients, or another type
                pass
        return NotImplemented


def _dumped(content: Any) -> tuple[bytes, list[memoryview]]:
    """What describes a content, and large memory that belongs to it."""
    views: list[memoryview] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if not _CAN_SHARE or view.nbytes < _LARGE:
            return True
        views.append(view)
        return False

    file = io.BytesIO()
    _Pickler(file, 5, buffer_callback=stays).dump(content)
    return file.getvalue(), views


def send(connection: Connection, content: tuple) -> None:
    """Send what came of a task; an error that cannot be sent, as its text."""
    try:
        data, views = _dumped(content)
    except Exception as error:
        outcome, place, warned = content
        text = f'{type(outcome.error or error).__name__}: {outcome.error or error}'
        place = place or traceback.format_exc()
        data, views = _dumped((Outcome(error=RuntimeError(text)), place, warned))
    connection.send((data, [view.nbytes for view in views]))
    if views:
        memory = os.memfd_create('bike_mmaction')
        try:
            with open(memory, 'wb', closefd=False) as file:
                for view in views:
                    file.write(view)
                    file.write(bytes(-view.nbytes % _ALIGNED))
            reduction.send_handle(connection, memory, os.getppid())
        finally:
            os.close(memory)


def receive(connection: Connection) -> Optional[Outcome]:
    """What came of a task; None if the worker is only ready.

    Its warnings are given here.

    Raises:
        EOFError: if the worker is gone.
        OSError: if it is gone.
    """
    message = connection.recv()
    if message == 'ready':
        return None
    data, sizes = message
    buffers = _receive_buffers(connection, sizes) if sizes else None
    outcome, place, warned = pickle.loads(data, buffers=buffers)
    for category, text in warned:
        warnings.warn(text, category, stacklevel=2)
    if place:
        outcome.error.__cause__ = RemoteTraceback(place)
    return outcome


def _receive_buffers(connection: Connection, sizes: Sequence[int]) -> list[memoryview]:
    """Parts of shared memory, which lives as long as one of them."""
    handle = reduction.recv_handle(connection)
    try:
        memory = memoryview(mmap.mmap(handle, 0))
    finally:
        os.close(handle)
    buffers, start = [], 0
    for size in sizes:
        buffers.append(memory[start : start + size])
        start += size + -size % _ALIGNED
    return buffers
