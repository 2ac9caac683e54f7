"""What video concept spotting costs, against its definition in three lines."""

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Optional

import torch
import torch.nn.functional as F
from mmengine.device import get_device
from torch import Tensor

from ..models.concept_spotting import concept_spotting
from .counting import peak_memory, used_memory
from .measuring import Report, Spread, by_turns

TEMPERATURE = 0.01
_THRESHOLD = 'MALLOC_MMAP_THRESHOLD_'


class Sizes(NamedTuple):
    """Of the inputs: N videos, K classes, Q words each, T frames, width D."""

    videos: int
    classes: int
    words: int
    frames: int
    width: int


def naive(frames: Tensor, words: Tensor, classes: Tensor, temperature: float):
    """As :func:`.concept_spotting`, by tensors of N·K·Q·T and of N·K·D."""
    similarity = torch.einsum('ntd,kqd->nkqt', frames, words)
    saliency = (similarity / temperature).softmax(dim=-1).mean(dim=2)
    videos = torch.einsum('nkt,ntd->nkd', saliency, frames)
    return torch.einsum('nkd,kd->nk', videos, classes), saliency


PARTS: dict[str, Callable[..., Any]] = dict(parts=concept_spotting, naive=naive)


def benchmark_head(
    sizes: Sizes, report: Report, repeats: int = 5, device: Optional[str] = None
) -> None:
    """Time and peak memory, forward alone and with the gradient of the frames.

    Also the time of the product that both begin with, all frames by all
    words, and how far values and gradients are apart.

    Args:
        sizes (Sizes): Of the inputs.
        report (Report): Takes the figures.
        repeats (int): Rounds. Defaults to 5.
        device (str, optional): Defaults to None: a GPU if there is one.
    """
    place = torch.device(device or get_device())
    inputs = draw(sizes, place)
    frames, words, _ = inputs
    product = partial(torch.matmul, words.flatten(0, 1), frames.flatten(0, 1).t())
    requests = [(name, sizes, backward) for backward in (False, True) for name in PARTS]
    memories = iter(peaks(requests, place))
    for backward in (False, True):
        steps = {k: partial(step, part, inputs, backward) for k, part in PARTS.items()}
        times = by_turns(dict(steps, product=product), repeats)
        parts, whole = times['parts'].clock, times['naive'].clock
        report.add(
            'head, {} videos, {} classes, {} words, {} frames, width {}, '.format(
                *sizes
            )
            + f'{"forward and backward" if backward else "forward"}, {place}',
            in_parts=Spread.of(1000 * parts, 'ms'),
            naive=Spread.of(1000 * whole, 'ms'),
            ratio=Spread.of(parts / whole),
            ratio_to_the_product=Spread.of(parts / times['product'].clock),
            memory_in_parts_MiB=next(memories),
            memory_naive_MiB=next(memories),
            differ_by=difference(*(one() for one in steps.values())),
        )


def draw(sizes: Sizes, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Unit frames [N, T, D], words [K, Q, D] and classes [K, D]."""
    n, k, q, t, d = sizes
    generator = torch.Generator().manual_seed(0)
    shapes = (n, t, d), (k, q, d), (k, d)
    return tuple(  # type: ignore[return-value]
        F.normalize(torch.randn(*shape, generator=generator), dim=-1).to(device)
        for shape in shapes
    )


def step(part: Callable, inputs: tuple, backward: bool) -> list[Tensor]:
    """Scores [N, K], and the gradient of the frames if it is wanted."""
    frames, words, classes = inputs
    with torch.set_grad_enabled(backward):
        frames = frames.detach().requires_grad_(backward)
        scores, _ = part(frames, words, classes, TEMPERATURE)
    if not backward:
        return [scores]
    scores.logsumexp(dim=-1).sum().backward()
    assert frames.grad is not None
    return [scores.detach(), frames.grad]


def difference(one: list[Tensor], other: list[Tensor]) -> float:
    """The largest, as a share of the largest value."""
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(one, other))


def peaks(
    requests: Sequence[tuple[str, Sizes, bool]], device: torch.device
) -> list[float]:
    """MiB beyond the inputs at the worst moment of a step, of each request.

    On a CPU in another process, and NaN where the system does not tell.

    Args:
        requests (Sequence[tuple]): Name of the part, sizes, and whether backward.
        device (torch.device): Where.
    """
    if device.type == 'cuda':
        return [1024 * _peak_of_gpu(*request, device) for request in requests]
    with _memory_given_back(), multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.starmap(_peak_of_process, requests, chunksize=1)


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Processes that begin here keep nothing of what they free, by glibc."""
    before = os.environ.get(_THRESHOLD)
    os.environ[_THRESHOLD] = '65536'
    try:
        yield
    finally:
        os.environ.pop(_THRESHOLD)
        if before is not None:
            os.environ[_THRESHOLD] = before


def _peak_of_gpu(
    name: str, sizes: Sizes, backward: bool, device: torch.device
) -> float:
    inputs = draw(sizes, device)
    return peak_memory(lambda: step(PARTS[name], inputs, backward), used_memory())


def _peak_of_process(name: str, sizes: Sizes, backward: bool) -> float:
    inputs = draw(sizes, torch.device('cpu'))
    few = draw(Sizes(2, 2, 2, 2, sizes.width), torch.device('cpu'))
    step(PARTS[name], few, backward)
    try:
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')  # begin to look for the peak here
        before = _resident('VmRSS')
        step(PARTS[name], inputs, backward)
        return max(_resident('VmHWM') - before, 0.0)
    except OSError:  # of Linux only
        return float('nan')


def _resident(key: str) -> float:
    with open('/proc/self/status') as file:
        match = re.search(rf'{key}:\s+(\d+) kB', file.read())
    assert match is not None
    return int(match[1]) / 1024
