"""Videos of a table through a recognizer, as records of a journal."""

import warnings
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, Optional

import numpy as np
from mmaction.models import BaseRecognizer

from ...datasets.result_tables import SEVERAL
from ...datasets.video_table import VideoTable
from ...video import DamagedVideoWarning
from ..inference.batches import recognize_batches
from ..inference.frames import VideoFile
from ..inference.inferencer import BIKEInferencer
from ..inference.reading import choose_workers
from ..inference.recognition import Recognition
from ..inference.sources import Source
from ..inference.videos import recognize_windows

_DIGITS = 5  # of confidences: what two builds of torch differ by is below


def label_items(
    bike: BIKEInferencer,
    model: BaseRecognizer,
    table: VideoTable,
    items: np.ndarray,
    window: Optional[float],
    stride: Optional[float],
    **options: Any,
) -> Generator[list[dict], None, None]:
    """Recognize videos, whole or window by window.

    Args:
        bike (BIKEInferencer): Reads.
        model (BaseRecognizer): For the classes of the job.
        table (VideoTable): The videos.
        items (np.ndarray): Positions in its ``paths``.
        window (float, optional): Seconds; None: whole videos.
        stride (float, optional): See :func:`.recognize_windows`.
        **options: See :func:`.recognize_batches`.

    Yields:
        list[dict]: Records of the next videos, see :class:`.Journal`.
    """
    sources = _Sources(table, items, bike.reader.options)
    options['time_limit'] = bike.time_limit
    with warnings.catch_warnings():
        # What they say is in the results.
        warnings.simplefilter('ignore', DamagedVideoWarning)
        if window is None:
            workers = choose_workers(bike.workers, len(sources))
            batches = recognize_batches(
                model, bike.reader, sources, workers=workers, **options
            )
            numbers = iter(items.tolist())
            with closing(batches):
                for batch in batches:
                    yield [
                        dict(index=number, **_record_of(recognition))
                        for recognition, number in zip(batch, numbers)
                    ]
            return
        options['workers'] = choose_workers(bike.workers, 2)
        for number, source in zip(items.tolist(), sources):
            (source,) = bike.find(source, options['workers'])
            windows = recognize_windows(
                model, bike.reader, source, window, stride, **options
            )
            yield [_record_of_windows(number, list(windows))]


def _record_of(recognition: Recognition) -> dict:
    """What is kept of a result until all are there."""
    record: dict[str, Any] = {}
    if recognition.segment:
        record['start'], record['end'] = (round(t, 3) for t in recognition.segment)
    if recognition.warning:
        record['warning'] = recognition.warning
    if recognition.error:
        return dict(record, error=recognition.error)
    record['label'] = recognition.label
    pairs = dict(predictions=recognition.predictions, attributes=recognition.attributes)
    if recognition.independent:  # those of the labels come first
        pairs[SEVERAL] = recognition.predictions[: len(recognition.labels)]
    for key, values in pairs.items():
        if values or key == SEVERAL:
            record[key] = [[name, round(value, _DIGITS)] for name, value in values]
    return record


def _record_of_windows(number: int, windows: Sequence[Recognition]) -> dict:
    """One of them all; it has failed if one of them has."""
    record: dict[str, Any] = dict(index=number, windows=list(map(_record_of, windows)))
    errors = [window.error for window in windows if window.error]
    return dict(record, error=errors[0]) if errors else record


class _Sources(Sequence):
    """Videos of a table, made when they are asked for.

    Args:
        table (VideoTable): The table.
        items (np.ndarray): Positions in its ``paths``.
        options (dict): How files are opened, see :class:`.VideoFile`.
    """

    def __init__(self, table: VideoTable, items: np.ndarray, options: dict) -> None:
        self._table, self._items, self._options = table, items, options

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._source(item) for item in self._items[index]]
        return self._source(self._items[index])

    def _source(self, item: int) -> Source:
        path = self._table.file_of(self._table.paths[item])
        return Source(path, VideoFile(path, **self._options))
