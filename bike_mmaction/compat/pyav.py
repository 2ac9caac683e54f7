"""A remedy for PyAV, and the processes that are copied from this one."""

import os
import threading

from .registry import remedy


@remedy('av', '>=19,<20', 'a process that is copied from this one may hang')
def forget_converters_before_forks() -> None:
    """Each thread that converts a picture keeps what converts, with threads of
    its own, for later.

    In a copy of the process the other threads are gone, and what they kept is
    released, which waits for ever for its threads. So it is released before.
    """
    from av.video import frame

    def forget() -> None:
        vars(frame)['_thread_local'] = threading.local()

    if hasattr(frame, '_thread_local'):
        os.register_at_fork(before=forget)
