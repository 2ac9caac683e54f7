"""Work in a process beside each one that reads for a data loader."""

import os
import random
from collections.abc import Callable
from typing import Any, Optional

import numpy as np
import torch

from ..video import WorkerPool

RandomStates = tuple[Any, Any, torch.Tensor]


def random_states() -> RandomStates:
    """Where the random numbers of Python, NumPy and PyTorch stand."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def set_random_states(states: RandomStates) -> None:
    """Draw on from such a place."""
    of_python, of_numpy, of_torch = states
    random.setstate(of_python)
    np.random.set_state(of_numpy)
    torch.set_rng_state(of_torch)


class Isolated:
    """A function that is called in another process, as if it were called here.

    It draws the random numbers that it would draw here, and this process goes
    on behind them. A crash or a hang costs the call alone; the random numbers
    of this process then stay where they were.

    Args:
        function (Callable): Of one argument. Elsewhere than on Linux it must
            be one that can be pickled.
        time_limit (float, optional): Seconds for a call. None: the function
            is called in this process, and takes as long as it takes.
    """

    def __init__(
        self, function: Callable[[Any], Any], time_limit: Optional[float]
    ) -> None:
        self._function, self.time_limit = function, time_limit
        self._pools: dict[int, WorkerPool] = {}  # by the process that has it

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _pools={})

    def __call__(self, task: Any) -> Any:
        """What the function returns.

        Raises:
            WorkerError: if the process was lost or late.
            Exception: what the function raises.
        """
        if self.time_limit is None:
            return self._function(task)
        value, states = self._pool(self.time_limit).run((task, random_states()))
        set_random_states(states)
        return value

    def close(self) -> None:
        """End the process; the next call starts another."""
        for pool in self._pools.values():
            pool.close()
        self._pools = {}

    def _pool(self, time_limit: float) -> WorkerPool:
        own = os.getpid()
        if own not in self._pools:
            self._pools = {own: WorkerPool(self._call_there, 1, time_limit)}
        return self._pools[own]

    def _call_there(self, task_and_states: tuple[Any, RandomStates]) -> tuple:
        task, states = task_and_states
        set_random_states(states)
        return self._function(task), random_states()
