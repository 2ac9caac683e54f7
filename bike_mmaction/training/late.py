"""Losses that are read from a GPU when somebody wants to know them.

To read a number from a GPU the host waits until it has been computed. It then has
nothing left to do: it stands still until the host has sent what comes next.
MMEngine reads each loss in each iteration; here they are read together, when they
are logged or saved.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Callable, Optional

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import RuntimeInfoHook
from mmengine.logging import HistoryBuffer, MessageHub
from torch import Tensor

from ..models.transfer import HOST

MOST_UNREAD = 2000  # where nobody logs


def is_unread(value: Any) -> bool:
    """Whether the host would have to wait for a number."""
    return isinstance(value, Tensor) and value.device != HOST


def read(numbers: Sequence[Tensor]) -> list[float]:
    """Read numbers of a device, of one value each, by one copy."""
    if not numbers:
        return []
    device = numbers[0].device
    flat = [x.detach().reshape(1).to(device, non_blocking=True) for x in numbers]
    return torch.cat(flat).tolist()  # of several types the widest


class Unread:
    """Numbers that histories wait for, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: list[tuple[HistoryBuffer, Tensor]] = []

    def add(self, history: HistoryBuffer, number: Tensor) -> None:
        """To be read later."""
        self._waiting.append((history, number.detach()))
        if len(self._waiting) >= MOST_UNREAD:
            self.read()

    def read(self) -> None:
        """Tell the histories."""
        waiting, self._waiting = self._waiting, []
        for (history, _), value in zip(waiting, read([x for _, x in waiting])):
            history.update(value)


class LateHistory(HistoryBuffer):
    """A history of logs that takes unread numbers, and has all when it is asked.

    A copy, and what is saved of it, is MMEngine's own.

    Args:
        history (HistoryBuffer): The history so far.
        unread (Unread): What is to be read together.
    """

    def __init__(self, history: HistoryBuffer, unread: Unread) -> None:
        self._unread = unread
        super().__init__(max_length=history.max_length)
        self._log_history, self._count_history = history.data

    def update(self, log_val: Any, count: int = 1) -> None:
        """As of MMEngine's; a tensor of a GPU is taken as it is."""
        if is_unread(log_val):
            self._unread.add(self, log_val)
        else:
            super().update(log_val, count)

    @property
    def _log_history(self) -> np.ndarray:
        self._unread.read()
        return self._values

    @_log_history.setter
    def _log_history(self, values: np.ndarray) -> None:
        self._values = values

    @property
    def _count_history(self) -> np.ndarray:
        self._unread.read()
        return self._counts

    @_count_history.setter
    def _count_history(self, counts: np.ndarray) -> None:
        self._counts = counts

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain = HistoryBuffer(max_length=self.max_length)
        plain._log_history, plain._count_history = self.data
        return plain.__reduce_ex__(protocol)


@HOOKS.register_module()
class LateRuntimeInfo(RuntimeInfoHook):
    """MMEngine's hook, which does not wait for the losses of each iteration.

    Logs, files and checkpoints have what they would have. Where the model is on a
    CPU, there is nothing to wait for, and numbers are read at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unread = Unread()

    def before_train(self, runner) -> None:
        """As of MMEngine's; from now on norms of gradients are read late, too."""
        super().before_train(runner)
        wrapper = runner.optim_wrapper
        for one in getattr(wrapper, 'optim_wrappers', {'': wrapper}).values():
            if getattr(one, 'clip_grad_kwargs', None):
                key = f'train/{one.grad_name}'
                one.clip_func = partial(
                    self._clip, one.clip_func, runner.message_hub, key
                )

    def after_train_iter(
        self,
        runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Keep the losses."""
        for key, value in (outputs or {}).items():
            self._keep(runner.message_hub, f'train/{key}', value)

    def _clip(
        self, clip: Callable, hub: MessageHub, key: str, *args: Any, **kwargs: Any
    ) -> Optional[Tensor]:
        """Clip gradients; MMEngine is not told of a norm that is kept here."""
        norm = clip(*args, **kwargs)
        if not is_unread(norm):
            return norm
        self._keep(hub, key, norm)
        return None

    def _keep(self, hub: MessageHub, key: str, value: Any) -> None:
        if not is_unread(value):
            hub.update_scalar(key, value)
            return
        hub._set_resumed_keys(key, True)
        history = hub.log_scalars.get(key) or HistoryBuffer(
            np.zeros(0), np.zeros(0, dtype=int)
        )
        if not isinstance(history, LateHistory):
            history = hub.log_scalars[key] = LateHistory(history, self._unread)
        history.update(value)
