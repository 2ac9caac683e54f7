"""Modules that share weights, and results that calls share."""

import copy
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Callable, Generic, Optional, TypeVar

import torch.nn as nn
from torch import Tensor

ModuleType = TypeVar('ModuleType', bound=nn.Module)
Held = TypeVar('Held', bound=Optional[nn.Module])


class Unregistered(Generic[Held]):
    """Holds a module for another one, of which it is no part.

    ``nn.Module`` takes every module among its attributes for a part of it.
    One that is held by this is none: it is not saved, loaded, trained, moved
    or counted with the module that uses it. It may be a part of another.

    Args:
        module (nn.Module, optional): The module; None if there is none.
    """

    def __init__(self, module: Held) -> None:
        self.module = module


def variant(module: ModuleType, **changes: Any) -> ModuleType:
    """A module like another, with some attributes, parts or buffers changed.

    It shares all else, the weights too, and is meant for a single call: the
    original stays as it is, for calls in other threads. Checks before loading
    are the original's alone, as torch binds them to it.

    Args:
        module (nn.Module): The original.
        **changes: Its new attributes.
    """
    other = copy.copy(module)
    # What nn.Module keeps of its own; a copy would share the dictionaries.
    for name in ('_parameters', '_buffers', '_modules'):
        setattr(other, name, copy.copy(getattr(module, name)))
    other._load_state_dict_pre_hooks = OrderedDict()
    for name, value in changes.items():
        setattr(other, name, value)
    return other


class Recent:
    """What was made last of weights, so that it is made once.

    Also for several threads. What was made of weights that were moved or cast
    since is forgotten. A copy, and what is read back from a file, is empty.

    Attributes:
        lock (RLock): Whoever holds it is the only thread that makes something.

    Args:
        size (int): How many to keep. The one not used for longest goes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._weight: Optional[Tensor] = None
        self.lock = threading.RLock()

    def get(
        self, key: Hashable, make: Callable[[], Any], weight: Optional[Tensor] = None
    ) -> Any:
        """What is kept under this key, or else made and kept.

        Threads that ask at the same time wait for what one of them makes.

        Args:
            key (Hashable): What it is made of, beside the weights.
            make (callable): Makes it.
            weight (Tensor, optional): One of the weights, best a small one:
                what was made is forgotten when it lies elsewhere in memory.
        """
        with self.lock:
            # As long as it is held here no other tensor gets its place.
            if weight is not None and not _lie_alike(self._weight, weight):
                self._made.clear()
                self._weight = weight.detach()
            if key not in self._made:
                self._made[key] = make()
            self._made.move_to_end(key)
            while len(self._made) > self.size:
                self._made.popitem(last=False)
            return self._made[key]

    def follow(self, weight: Tensor) -> None:
        """Keep what was made, though this weight lies elsewhere now."""
        with self.lock:
            self._weight = weight.detach()

    def clear(self) -> None:
        """Keep nothing; waits for what another thread is making."""
        with self.lock:
            self._made.clear()

    def __len__(self) -> int:
        return len(self._made)

    def __reduce__(self):  # locks are neither copied nor written
        return type(self), (self.size,)


def _lie_alike(one: Optional[Tensor], other: Tensor) -> bool:
    """Whether two tensors are the same place of memory."""
    return one is not None and one.data_ptr() == other.data_ptr()
