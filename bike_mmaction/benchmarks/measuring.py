"""Parts measured by turns, so that other work on the machine slows down all."""

import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional, Union

import numpy as np
import torch
from tqdm import tqdm

from ..files import write_json
from ..terminal import say

_LEAST = 3  # rounds, of which quartiles tell something


@dataclass(frozen=True)
class Spread:
    """Quartiles of what was measured several times.

    Attributes:
        low (float): Of a quarter it is below.
        median (float): Of a half.
        high (float): Of three quarters.
        unit (str): Behind the figures; '' for ratios.
    """

    low: float
    median: float
    high: float
    unit: str = ''

    @classmethod
    def of(cls, values: Union[Sequence[float], np.ndarray], unit: str = '') -> 'Spread':
        """Quartiles of values [N]."""
        low, median, high = np.percentile(values, (25, 50, 75)).tolist()
        return cls(low, median, high, unit)

    def __str__(self) -> str:
        figures = (self.low, self.median, self.high)
        low, median, high = (f'{value:.3g}' for value in figures)
        spread = f' ({low} to {high})' if self.low < self.high else ''
        return f'{median}{self.unit and " " + self.unit}{spread}'


@dataclass(frozen=True)
class Times:
    """Seconds that a part took, each time.

    Attributes:
        clock (np.ndarray): By the clock [N].
        processor (np.ndarray): Of this process's processor time [N], which
            other work on the machine does not change.
    """

    clock: np.ndarray
    processor: np.ndarray


def seconds(part: Callable[[], Any]) -> tuple[float, float]:
    """By the clock and of the processor; what a GPU was given is done then."""
    start = time.perf_counter(), time.process_time()
    part()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def by_turns(
    parts: Mapping[str, Callable[[], Any]],
    repeats: int,
    warm_up: int = 1,
    limit: float = math.inf,
) -> dict[str, Times]:
    """Each part ``repeats`` times; every round begins with another one.

    Args:
        parts (Mapping[str, Callable]): What to measure, by name.
        repeats (int): Rounds that count.
        warm_up (int): Rounds before that. Defaults to 1.
        limit (float): Seconds after which no round begins, but for the first
            three that count. Defaults to infinity.
    """
    names = list(parts)
    times: dict[str, list] = {name: [] for name in names}
    began = time.perf_counter()
    for turn in tqdm(range(-warm_up, repeats), leave=False, disable=None):
        if turn >= _LEAST and time.perf_counter() - began > limit:
            break
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            spent = seconds(parts[name])
            if turn >= 0:
                times[name].append(spent)
    return {name: Times(*np.array(spent).T) for name, spent in times.items()}


Figure = Union[Spread, float, str]
Row = tuple[str, dict[str, Figure]]


class Report:
    """Lines for people, and the same figures as JSON.

    Args:
        what (str): Name of the benchmark.
        out (str, optional): JSON file to write. Defaults to None: none.

    Attributes:
        rows (list[tuple[str, dict]]): Names of subjects, and their figures.
    """

    def __init__(self, what: str, out: Optional[str] = None) -> None:
        self._out, self.rows = out, list[Row]()
        self._content: dict[str, Any] = dict(
            benchmark=what, machine=machine(), figures=[]
        )
        said = self._content['machine']
        say(', '.join(f'{key} {value}' for key, value in said.items()))

    def add(self, name: str, **figures: Figure) -> None:
        """Print figures of one subject, and keep them.

        Args:
            name (str): Of the subject.
            **figures: By what they are; '_' is printed as a space.
        """
        say(f'{name}:')
        for key, value in figures.items():
            say(f'  {key.replace("_", " ")}: {shown(value)}', flush=True)
        self.rows.append((name, figures))
        self._content['figures'].append(
            dict(
                name=name,
                **{
                    key: asdict(value) if isinstance(value, Spread) else value
                    for key, value in figures.items()
                },
            )
        )
        if self._out is not None:
            write_json(self._out, self._content)


def shown(value: Figure) -> str:
    """A figure as people read it."""
    return f'{value:.3g}' if isinstance(value, float) else str(value)


def machine() -> dict[str, str]:
    """What was measured on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'
    return dict(
        python=platform.python_version(),
        torch=torch.__version__,
        cores=str(os.cpu_count()),
        gpu=gpu,
        load=f'{os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else 'unknown',
    )
