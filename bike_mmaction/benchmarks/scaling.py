"""What the head costs against its sizes, and attributes against their lexicon."""

import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from .head import PARTS, Sizes, draw, peaks, step
from .lexicon import measure_lexicons
from .measuring import Report, Spread, by_turns

FACTORS = (0.25, 0.5, 1, 2, 4)  # of the sizes that are given
AXES = dict(videos='batch, videos', classes='K, classes', frames='T, frames')
NAMES = dict(parts='BIKE', naive='definition')


def benchmark_head_sizes(
    sizes: Sizes, report: Report, repeats: int, device: torch.device
) -> None:
    """Time and memory of video concept spotting and of its definition, where one
    of the sizes is a quarter to four times of what is given.

    Args:
        sizes (Sizes): In the middle of the curves.
        report (Report): Takes the figures, a row for each size.
        repeats (int): Rounds.
        device (torch.device): Where.
    """
    points = [
        (axis, sizes._replace(**{key: max(1, int(factor * getattr(sizes, key)))}), key)
        for key, axis in AXES.items()
        for factor in FACTORS
    ]
    ways = [(name, backward) for name in PARTS for backward in (False, True)]
    requests = [(name, at, back) for _, at, _ in points for name, back in ways]
    memory = iter(peaks(requests, device))
    middle = ', '.join(f'{value} {key}' for key, value in sizes._asdict().items())
    for axis, at, key in points:
        inputs = draw(at, device)
        parts = {
            f'{NAMES[name]}, {"with gradient" if backward else "forward"}': partial(
                step, PARTS[name], inputs, backward
            )
            for name, backward in ways
        }
        times = by_turns(parts, repeats)
        figures: dict[str, Any] = {}
        for name, spent in times.items():
            figures[name] = Spread.of(1000 * spent.clock, 'ms')
            figures[f'memory of {name}'] = Spread.of([next(memory)], 'MiB')
        count = getattr(at, key)
        name = f'head, {middle}, {device.type}, {axis} = {count}'
        report.add(name, axis=axis, at=count, **figures)


def benchmark_lexicons(
    arch: str, phrases: Sequence[int], videos: int, report: Report
) -> None:
    """Time and memory of attributes, each lexicon in a process of its own.

    Args:
        arch (str): Of open_clip, or 'tiny'.
        phrases (Sequence[int]): In each lexicon.
        videos (int): Short ones.
        report (Report): Takes the figures, a row for each.
    """
    with tempfile.TemporaryDirectory() as folder:
        for count, (spent, peak) in measure_lexicons(folder, arch, phrases, videos):
            report.add(
                f'attributes, {arch}, {videos} videos, lexicon = {count}',
                axis='lexicon, phrases',
                at=count,
                attributes=Spread.of([spent], 's'),
                memory_of_the_process=Spread.of([peak], 'GiB'),
            )
