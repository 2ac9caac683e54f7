"""Label up to millions of videos: in several processes, and on after a stop."""

import os.path as osp
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, Optional, Union

import numpy as np
from mmaction.models import BaseRecognizer
from mmengine.dist import barrier

from ...datasets.class_names import load_class_names
from ...datasets.tables import (
    ROWS_AT_ONCE,
    WRITABLE,
    Field,
    Row,
    check_pyarrow,
    kind_of,
    write_table,
)
from ...datasets.video_table import PATH, VideoTable
from ...evaluation.journal import Journal, Records, by_main_process, own_items
from ...files import replace_durably, write_json, writing
from ...models.text_head import with_classes
from ...ranks import note
from ..inference.inferencer import BIKEInferencer
from ..progress import Progress
from .records import label_items
from .results import (
    about_of,
    describe,
    kept_names,
    read_about,
    read_settings,
    result_fields,
    rows_of,
    settings_of,
)


# long: for its arguments
def label_videos(
    bike: BIKEInferencer,
    inputs: Union[VideoTable, str, Sequence[str]],
    out: str,
    classes: Union[str, Sequence[str], None] = None,
    topk: int = 5,
    threshold: Optional[float] = None,
    window: Optional[float] = None,
    stride: Optional[float] = None,
    batch_size: int = 8,
    path_column: str = PATH,
    root: str = '',
    overwrite: bool = False,
    retry: bool = False,
    progress: bool = False,
) -> dict:
    """Write a row for each video: its classes, or why it cannot be read.

    What is done lies in the folder ``out`` + '.partial'. The same call goes on
    from there after a stop of any kind, in as many processes as before or in
    others. In distributed mode every process calls this.

    Args:
        bike (BIKEInferencer): Recognizes them; its ``workers`` and
            ``time_limit`` count.
        inputs: See :class:`.VideoTable`, or one of these.
        out (str): The file to write: .jsonl, .csv, .tsv or .parquet. Beside it
            ``out`` + '.about.json' says what it was made with.
        classes (str | Sequence[str], optional): Names, a file of them or a
            built-in list. Defaults to None: those of the inferencer.
        topk (int): Classes to name, with their confidences. Defaults to 5.
        threshold (float, optional): Confidence below which a video has no
            label. Defaults to None: as for :class:`.BIKEInferencer`.
        window (float, optional): Recognize pieces of so many seconds, each
            of which is a row with its ``start`` and ``end``. Defaults to
            None: whole videos.
        stride (float, optional): From one piece to the next, in seconds.
            Defaults to None: half of one.
        batch_size (int): Videos or pieces at once. Defaults to 8.
        path_column (str): See :class:`.VideoTable`.
        root (str): See :class:`.VideoTable`.
        overwrite (bool): Whether to begin anew. Defaults to False.
        retry (bool): Whether to try again what could not be read. Defaults
            to False.
        progress (bool): Whether to show how far it is. Defaults to False.

    Returns:
        dict: Numbers of rows: all of them as ``rows``, ``unreadable`` ones
        and those ``with_warning``.

    Raises:
        BlockingIOError: if another job writes the same file.
        ModuleNotFoundError: if pyarrow is needed and absent.
        OSError: if something does not exist, or cannot be read or written.
        RuntimeError: if a table has changed meanwhile.
        ValueError: if an option does not fit, or ``out``, or what is done of
            it, was made with other settings.
    """
    check_out(out)
    if not isinstance(inputs, VideoTable):
        inputs = VideoTable(inputs, path_column, root)
    names = bike.classes if classes is None else load_class_names(classes)
    model = with_classes(bike.model, names)
    threshold = bike.threshold_for(classes, threshold)
    options = dict(topk=topk, threshold=threshold, window=window, stride=stride)
    job = _Job(bike, model, inputs, osp.realpath(out), options, batch_size)
    return job.do(overwrite, retry, progress)


def check_out(out: str) -> None:
    """Refuse a result that cannot be written, by its extension.

    Raises:
        ModuleNotFoundError, ValueError: as :func:`label_videos`.
    """
    if kind_of(out) not in WRITABLE:
        raise ValueError(f"out '{out}' must end with {', '.join(WRITABLE)}")
    check_pyarrow('out', out)


class _Job:
    """One result, from the videos to the file.

    Args:
        bike (BIKEInferencer): Reads.
        model (BaseRecognizer): For the classes of this job.
        table (VideoTable): The videos.
        out (str): The file.
        options (dict): Of :func:`.label_items`, those that determine the results.
        batch_size (int): Videos or windows at once.
    """

    def __init__(
        self,
        bike: BIKEInferencer,
        model: BaseRecognizer,
        table: VideoTable,
        out: str,
        options: dict[str, Any],
        batch_size: int,
    ) -> None:
        self.bike, self.model, self.table, self.out = bike, model, table, out
        self.options, self.batch_size = options, batch_size
        self.journal = Journal(f'{out}.partial', failure='error')
        self.added = result_fields(
            options['window'] is not None,
            getattr(model, 'association', None) is not None,
            model.cls_head.bias is not None,
        )
        self.names = kept_names(table.fields, self.added)

    def do(self, overwrite: bool, retry: bool, progress: bool) -> dict:
        """See :func:`label_videos`."""
        try:
            if by_main_process(lambda: self._is_complete(overwrite, retry)):
                return by_main_process(self._counts)
            self._check_listing()
            self._recognize(retry, progress)
            barrier()
            return by_main_process(self._write)
        finally:
            self.journal.release()

    def _is_complete(self, overwrite: bool, retry: bool) -> bool:
        """Begin or go on; whether there is nothing to do."""
        self.settings = settings_of(self.model, self.table, self.options)
        journal, was_there = self.journal, osp.exists(self.out)
        if not journal.begin(self.out, self.settings, read_settings, overwrite):
            if was_there:  # what is done, and kept for another attempt, is of that one
                journal.forget_records()
            self.description = describe(self.bike, self.table)
            return False
        unreadable = self._counts()['unreadable']
        if unreadable and retry and journal.is_begun:
            self.description = describe(self.bike, self.table)
            return False
        if unreadable and retry:
            raise ValueError(
                f"'{self.out}' has {unreadable} unreadable videos, but "
                f"'{journal.folder}', which is needed to try only these again, is "
                'gone: choose another file, or start anew with --overwrite'
            )
        if not unreadable:
            journal.remove()  # stopped at the very end
        return True

    def _check_listing(self) -> None:
        """Each process has looked for the videos itself."""
        digest = by_main_process(lambda: self.table.sha256)
        if digest != self.table.sha256:
            raise RuntimeError(
                'the processes have listed different videos: once no more are added, '
                'give the same command again'
            )

    def _recognize(self, retry: bool, progress: bool) -> None:
        """Do what is left, batch by batch."""
        records = self._records()
        is_done = records.is_done & ~(records.has_failed & retry)
        # A batch is of whole videos, or of the windows of one.
        at_once = self.batch_size if self.options['window'] is None else 1
        items, pending = own_items(is_done, at_once)
        barrier()  # nobody writes before all have read
        total, done = len(self.table.paths), 0
        note('labelling the first batch')
        batches = label_items(
            self.bike,
            self.model,
            self.table,
            items,
            **self.options,
            batch_size=self.batch_size,
        )
        with closing(batches), Progress(total, total - pending, progress) as bar:
            for batch in batches:
                self.journal.append(batch)
                bar.update(len(batch))
                done += len(batch)
                note(f'labelling, {done} of its {len(items)} videos done')
        note('waiting for the others to be done', waits=True)

    def _records(self) -> Records:
        return self.journal.find(len(self.table.paths))

    def _rows(self, records: Records, counts: dict) -> Iterator[Row]:
        """All rows, in the order of the input."""
        for kept, record in zip(self.table.rows(), records.read(self.table.videos)):
            kept = {self.names[name]: value for name, value in kept.items()}
            for row in rows_of(record, self.added):
                counts['rows'] += 1
                counts['unreadable'] += row['error'] is not None
                counts['with_warning'] += row['warning'] is not None
                yield {**kept, **row}

    def _write(self) -> dict:
        """Write all rows in one step; the journal stays while videos lack."""
        note('writing the result')
        records = self._records()
        if not records.is_done.all():
            missing = np.flatnonzero(~records.is_done)[:3].tolist()
            raise RuntimeError(
                f"'{self.journal.folder}' lacks videos number {missing} ...; give the "
                'same command again'
            )
        counts = dict(rows=0, unreadable=0, with_warning=0)
        fields = [Field(self.names[f.name], f.kind) for f in self.table.fields]
        draft = osp.join(self.journal.folder, f'result{kind_of(self.out)}')
        with (
            writing(self.out, draft),
            write_table(draft, [*fields, *self.added]) as write,
        ):
            rows = self._rows(records, counts)
            for piece in iter(lambda: list(islice(rows, ROWS_AT_ONCE)), []):
                write(piece)
        about = dict(settings=self.settings, counts=counts, **self.description)
        write_json(about_of(self.out), about)
        replace_durably(draft, self.out)
        if not counts['unreadable']:
            self.journal.remove()
        return counts

    def _counts(self) -> dict:
        return read_about(self.out)['counts']
