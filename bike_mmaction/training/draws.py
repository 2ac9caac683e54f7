"""What is random in training follows from the seed, and from what it is for.

What the transforms of a sample draw follows from the seed of the run, the
epoch and the number of the sample; what the model and the hooks of a process
draw, from the seed, the rank and the iteration. So it matters neither which
process loads a sample, nor what was drawn before: a training that goes on
from a checkpoint draws what it would have drawn.
"""

import random
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_OF_SAMPLES, _OF_PROCESSES = 0, 1


@contextmanager
def drawing(*key: int) -> Iterator[None]:
    """Draw what follows from a key; afterwards, go on as before.

    This is of Python, numpy and torch on the CPU.

    Args:
        key (int): Numbers of 0 or more. Other keys of the same length give
            independent draws.
    """
    generator = torch.default_generator
    states = random.getstate(), np.random.get_state(), generator.get_state()
    generator.manual_seed(_seed_python(key))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        generator.set_state(states[2])


def seed_process(seed: int, rank: int, iteration: int) -> None:
    """Let all that a process draws from here on follow from these numbers."""
    torch.manual_seed(_seed_python((_OF_PROCESSES, seed, rank, iteration)))


def _seed_python(key: tuple[int, ...]) -> int:
    """Seed Python and numpy; a seed of 63 bits for torch."""
    words = np.random.SeedSequence(key).generate_state(8)
    random.seed(words[:4].tobytes())
    np.random.seed(words[4:])
    return int(words[0]) << 31 ^ int(words[4])


class SampleNumber(int):
    """The number of a sample, with seed and epoch that it is drawn for.

    It goes to the process that loads the sample, see the remedy
    ``draw_by_sample``.
    """

    seed: int
    epoch: int

    def __new__(cls, number: int, seed: int, epoch: int) -> 'SampleNumber':
        new = super().__new__(cls, number)
        new.seed, new.epoch = seed, epoch
        return new

    def __reduce__(self) -> tuple:
        return type(self), (int(self), self.seed, self.epoch)

    def drawing(self):
        """The context in which the sample is made."""
        return drawing(_OF_SAMPLES, self.seed, self.epoch, int(self))


class NumberedBatches(Sized):
    """What a batch sampler gives, with :class:`SampleNumber` for numbers.

    Other attributes are those of the batch sampler.

    Args:
        batches (Iterable[list[int]]): The batch sampler of a loader.
        seed (int): Of the run; on all ranks the same.

    Attributes:
        epoch (int): That is to be loaded.
        done (int): Batches that are left out at the begin of an epoch.
    """

    def __init__(self, batches: Any, seed: int) -> None:
        self._batches, self._seed = batches, seed
        self.epoch = self.done = 0

    def __iter__(self) -> Iterator[list]:
        for place, batch in enumerate(self._batches):
            if place >= self.done:
                yield [
                    SampleNumber(int(number), self._seed, self.epoch)
                    if isinstance(number, (int, np.integer))
                    else number
                    for number in batch
                ]

    def __len__(self) -> int:
        return len(self._batches)

    def __getattr__(self, name: str) -> Any:
        if name == '_batches':
            raise AttributeError(name)
        return getattr(self._batches, name)
