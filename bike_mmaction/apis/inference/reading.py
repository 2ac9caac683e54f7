"""Sources read one after the other, here or in worker processes."""

import multiprocessing
import os
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, Optional

from ...errors import PipelineError
from ...video import WorkerError, WorkerPool
from .frames import VideoFile
from .sources import Source, SourceReader

MOST_WORKERS = 4  # where nobody says how many: those of one GPU, or of a CPU


class Reading(NamedTuple):
    """What reading a source gave.

    Attributes:
        data (dict, optional): Inputs and data sample; None after an error.
        damage (str, optional): What of the file is missing, if anything is.
        error (str, optional): Why it cannot be read.
    """

    data: Optional[dict[str, Any]] = None
    damage: Optional[str] = None
    error: Optional[str] = None


def check_reading(workers: Optional[int], time_limit: Optional[float]) -> None:
    """Refuse numbers that cannot be.

    Raises:
        ValueError: names the option.
    """
    if workers is not None and workers < 0:
        raise ValueError(f'workers={workers} must not be negative')
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f'time_limit={time_limit} must be positive')


def choose_workers(workers: Optional[int], number_of_sources: int) -> int:
    """How many processes read.

    Args:
        workers (int, optional): What the user says; with 0 this process
            reads. None: up to four for several sources, none for one.
        number_of_sources (int): Videos or windows.
    """
    if workers is not None:
        return workers
    # A data loader's worker may have no processes of its own.
    if number_of_sources < 2 or multiprocessing.current_process().daemon:
        return 0
    return min(MOST_WORKERS, number_of_cores())


def number_of_cores() -> int:
    """Those that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_sources(
    reader: SourceReader,
    sources: Sequence[Source],
    workers: int = 0,
    time_limit: Optional[float] = None,
    batch_size: int = 1,
) -> Generator[Reading, None, None]:
    """Read sources, in their order.

    With workers the next ones are read while somebody uses the last one: as
    many as the workers are doing, and two batches more. Close it where not
    all are taken.

    Args:
        reader (SourceReader): Reads one.
        sources (Sequence[Source]): Videos or windows of them.
        workers (int): Processes; with 0 this one reads. Defaults to 0.
        time_limit (float, optional): Seconds for a worker to read one.
            Defaults to None: as long as it takes.
        batch_size (int): How many are taken at a time. Defaults to 1.
    """
    read = _ReadNumber(reader, sources, isolated=workers > 0)
    if not workers:
        for number in range(len(sources)):
            try:
                yield Reading(*read(number))
            except PipelineError as cause:
                yield Reading(error=str(cause))
        return
    yield from _read_elsewhere(read, sources, workers, time_limit, batch_size)


def _read_elsewhere(
    read: '_ReadNumber',
    sources: Sequence[Source],
    workers: int,
    time_limit: Optional[float],
    batch_size: int,
) -> Generator[Reading, None, None]:
    """In workers. Of a file that was late, nothing more is waited for."""
    ahead = 1 + -(-2 * batch_size // workers)
    with WorkerPool(read, workers, time_limit, ahead) as pool:
        outcomes = pool.map(range(len(sources)), lambda number: sources[number].name)
        for source, (value, error) in zip(sources, outcomes):
            if isinstance(error, WorkerError):
                error = error.of_video(source.name)
            if isinstance(error, PipelineError):
                yield Reading(error=str(error))
            elif error is not None:
                raise error
            else:
                yield Reading(*value)


class _ReadNumber:
    """Reads the source of a number; a file stays open for its windows.

    Args:
        reader (SourceReader): Reads one.
        sources (Sequence[Source]): All of them.
        isolated (bool): Whether it is called in a worker. An open file is
            then not one to share.
    """

    def __init__(
        self, reader: SourceReader, sources: Sequence[Source], isolated: bool
    ) -> None:
        self._reader, self._sources, self._isolated = reader, sources, isolated
        self._file: Optional[VideoFile] = None

    def __call__(self, number: int) -> tuple[dict[str, Any], Optional[str]]:
        """Inputs and data sample, and what is missing of the file."""
        source = self._sources[number]
        if self._isolated and isinstance(source.content, VideoFile):
            if self._file is None or self._file.path != source.content.path:
                self._file = source.content.here()
            source = source._replace(content=self._file)
        data, damage = self._reader(source), None
        if isinstance(source.content, VideoFile):
            damage = source.content.damage or None
        return data, damage
