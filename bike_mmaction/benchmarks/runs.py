"""The same measurement in several new processes: how far their medians are apart."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from .measuring import Figure, Row, Spread


def in_new_processes(
    measure: Callable[[Any], list[Row]], args: Any, runs: int
) -> list[list[Row]]:
    """Rows of all runs, one after the other, each in a process of its own.

    Args:
        measure (Callable): Of a module; takes ``args`` and gives rows.
        args: What can be pickled.
        runs (int): How many.

    Returns:
        list[list[Row]]: Of each run.
    """
    context = multiprocessing.get_context('spawn')
    rows: list[list[Row]] = []
    for _ in range(runs):
        # Not a `Pool`, whose processes may have none of their own.
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            rows.append(pool.submit(measure, args).result())
    return rows


def over_runs(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """One row for those of the same name: median of medians, lowest and highest.

    Args:
        runs (Sequence[Sequence[Row]]): Rows of each run.
    """
    first, *others = (dict(rows) for rows in runs)
    return [
        (
            name,
            {
                key: _together([value, *(run[name][key] for run in others)])
                for key, value in figures.items()
                if all(key in run.get(name, {}) for run in others)
            },
        )
        for name, figures in first.items()
    ]


def _together(values: Sequence[Figure]) -> Figure:
    """The same figure of several runs; of texts the first."""
    medians: list[float] = []
    for value in values:
        if isinstance(value, str):
            return values[0]
        medians.append(value.median if isinstance(value, Spread) else value)
    unit = values[0].unit if isinstance(values[0], Spread) else ''
    low, high = min(medians), max(medians)
    return Spread(low, float(np.median(medians)), high, unit)
