"""Whole videos and their windows through a recognizer, with results as files."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, Optional

from mmaction.models import BaseRecognizer

from ...errors import PipelineError
from .batches import recognize_batches
from .pictures import ResultWriter
from .recognition import Recognition
from .sources import Source, SourceReader, close_file, windows_of


def recognize_videos(
    model: BaseRecognizer,
    reader: SourceReader,
    sources: Sequence[Source],
    writer: Optional[ResultWriter] = None,
    **options: Any,
) -> Iterator[Recognition]:
    """Recognize whole videos, and give them one by one.

    Args:
        model (BaseRecognizer): See :func:`.recognize_batches`.
        reader (SourceReader): Reads a video as the model takes it.
        sources (Sequence[Source]): The videos.
        writer (ResultWriter, optional): Writes each result as soon as its
            batch is done.
        **options: See :func:`.recognize_batches`.

    Yields:
        Recognition: As soon as its batch is done.
    """
    with closing(recognize_batches(model, reader, sources, **options)) as batches:
        for source, recognition in zip(sources, chain.from_iterable(batches)):
            if writer is not None:
                writer.write(source, [recognition])
            close_file(source)
            yield recognition


def recognize_windows(
    model: BaseRecognizer,
    reader: SourceReader,
    source: Source,
    window: float,
    stride: Optional[float] = None,
    writer: Optional[ResultWriter] = None,
    **options: Any,
) -> Iterator[Recognition]:
    """Recognize a video window by window, and give them one by one.

    Args:
        model (BaseRecognizer): See :func:`.recognize_batches`.
        reader (SourceReader): Reads a window as the model takes it.
        source (Source): The video.
        window (float): Length of a window in seconds.
        stride (float, optional): From one window to the next, in seconds.
            Defaults to None: half a window.
        writer (ResultWriter, optional): Writes the results of all windows.
        **options: See :func:`.recognize_batches`.

    Yields:
        Recognition: That of a window, as soon as its batch is done; one alone
        if the video cannot be read.
    """
    recognitions = []
    stride = window / 2 if stride is None else stride
    try:
        for recognition in _each_window(
            model, reader, source, window, stride, **options
        ):
            recognitions.append(recognition)
            yield recognition
        if writer is not None:
            writer.write(source, recognitions)
    finally:
        close_file(source)


def _each_window(
    model: BaseRecognizer,
    reader: SourceReader,
    source: Source,
    window: float,
    stride: float,
    **options: Any,
) -> Iterator[Recognition]:
    try:
        windows = windows_of(source, window, stride)
    except PipelineError as error:
        yield Recognition(source.name, error=str(error))
        return
    with closing(recognize_batches(model, reader, windows, **options)) as batches:
        yield from chain.from_iterable(batches)


def recognize_stream(
    model: BaseRecognizer,
    reader: SourceReader,
    windows: Iterable[tuple[Source, tuple[float, float]]],
    topk: int,
    threshold: float,
) -> Iterator[Recognition]:
    """Recognize what a stream shows, window by window.

    Args:
        model (BaseRecognizer): See :func:`.recognize_batches`.
        reader (SourceReader): Makes of frames what the model takes.
        windows (Iterable): Those of :meth:`.Stream.windows`.
        topk, threshold: See :func:`.recognize_batches`.

    Yields:
        Recognition: With the ``segment`` of its window.
    """
    for source, segment in windows:
        for batch in recognize_batches(model, reader, [source], topk, threshold):
            batch[0].segment = segment
            yield batch[0]
