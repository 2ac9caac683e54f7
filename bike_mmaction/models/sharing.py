"""Modules that share weights, and results that calls share."""

import copy
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Callable

import torch.nn as nn


def variant(module: nn.Module, **changes: Any) -> nn.Module:
    """A module like another, with some attributes, parts or buffers changed.

    It shares all else, the weights too, and is meant for a single call: the
    original stays as it is, for calls in other threads.

    Args:
        module (nn.Module): The original.
        **changes: Its new attributes.
    """
    other = copy.copy(module)
    for name in ('_parameters', '_buffers', '_modules'):
        other.__dict__[name] = copy.copy(module.__dict__[name])
    for name, value in changes.items():
        setattr(other, name, value)
    return other


class Recent:
    """What was made last, so that it is made once; also for several threads.

    A copy of it, and what is read back from a file, is empty.

    Args:
        size (int): How many to keep. The one not used for longest goes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under this key, or else made and kept.

        Threads that ask at the same time wait for what one of them makes.
        """
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            self._made.move_to_end(key)
            while len(self._made) > self.size:
                self._made.popitem(last=False)
            return self._made[key]

    def __len__(self) -> int:
        return len(self._made)

    def __reduce__(self):  # locks are neither copied nor written
        return type(self), (self.size,)
