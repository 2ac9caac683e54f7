"""Frame embeddings on disk: for training without decoding, and for search.

A store is a folder::

    embeddings.npy  [R, D], of the image tower, not normalised
    times.npy       [R], when each frame is shown, in seconds; NaN: not known
    videos.csv      which rows are of which video, and why some have none
    about.json      which model and pipeline made them

numpy opens the arrays with ``np.load(path, mmap_mode='r')``. Rows are only
added, and the table is written behind them: a kill costs what was not yet
told to the table, and whoever reads meanwhile sees whole videos.
"""

import json
import os.path as osp
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np

from ..errors import PipelineError, UnreadableError
from ..text_files import read_json
from .embedding_table import NAME as TABLE
from .embedding_table import EmbeddingTable, Entry, Video

ABOUT, EMBEDDINGS, TIMES = 'about.json', 'embeddings.npy', 'times.npy'
FORMAT = 1


class EmbeddingStore:
    """A store to read from. Its arrays are mapped into memory when needed;
    what is written to them stays in memory.

    Args:
        folder (str): The folder.

    Attributes:
        folder (str): The folder.
        about (dict): What ``about.json`` says: ``settings`` are those that
            determine the embeddings, ``complete`` whether all are there.
        table (EmbeddingTable): The videos.

    Raises:
        FileNotFoundError: if there is no store.
        ValueError: if it is of another format, or lacks rows.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.about = read_about(folder)
        self.table = EmbeddingTable(folder)
        self._arrays: Optional[tuple[np.ndarray, np.ndarray]] = None

    @classmethod
    def open(cls, folder: str) -> 'EmbeddingStore':
        """The store of a folder; raises as the class."""
        return cls(folder)

    def __getstate__(self) -> dict:  # other processes map the files themselves
        return dict(self.__dict__, _arrays=None)

    @property
    def settings(self) -> dict:
        """What determines the embeddings."""
        return self.about['settings']

    @property
    def samples(self) -> int:
        """S, samples of each video."""
        return int(self.settings.get('samples', 1))

    @property
    def embeddings(self) -> np.ndarray:
        """All rows [R, D]."""
        return self._mapped()[0]

    @property
    def times(self) -> np.ndarray:
        """When each of them is shown, in seconds [R]."""
        return self._mapped()[1]

    def entries(self) -> Iterator[Entry]:
        """Those that count, video after video."""
        return self.table.current()

    def rows_of(self, video: Video, sample: int = 0) -> np.ndarray:
        """Embeddings of a sample of a video [T, D], or [V·T, D].

        Raises:
            UnreadableError: if the video could not be read; says why.
            PipelineError: if the store does not know it.
        """
        entry = self.table.find(video, sample)
        if entry is None:
            raise PipelineError(
                f"'{self.folder}' has no embeddings of '{video.path}' "
                f'(sample {sample} of {self.samples}): make them, or begin anew '
                'if the list has changed'
            )
        if entry.error:
            raise UnreadableError(entry.error)
        return self.embeddings[entry.first : entry.first + entry.rows]

    def _mapped(self) -> tuple[np.ndarray, np.ndarray]:
        if self._arrays is None:
            paths = [osp.join(self.folder, name) for name in (EMBEDDINGS, TIMES)]
            rows, times = (np.load(path, mmap_mode='c') for path in paths)
            if min(len(rows), len(times)) < self.table.num_rows():
                raise ValueError(
                    f"'{paths[0]}' has {len(rows)} rows, '{paths[1]}' {len(times)}, "
                    f"but '{TABLE}' needs {self.table.num_rows()}: a copy is not whole"
                )
            self._arrays = rows, times
        return self._arrays


def read_about(folder: str) -> dict:
    """What ``about.json`` of a store says.

    Raises:
        FileNotFoundError, ValueError: as :class:`EmbeddingStore`.
    """
    path = osp.join(folder, ABOUT)
    if not osp.isfile(path):
        what = 'is no folder of' if osp.exists(folder) else 'does not exist: no'
        raise FileNotFoundError(
            f"'{folder}' {what} frame embeddings (it has no {ABOUT}); "
            '`bike embed VIDEOS --out FOLDER` makes one'
        )
    about = read_json(path)
    form = about.get('format') if isinstance(about, dict) else None
    if form != FORMAT:
        raise ValueError(
            f"'{path}' is of format {form!r}, but this version reads {FORMAT}: "
            'make the embeddings anew'
        )
    return about


def pipeline_behind(pipeline: Sequence[dict]) -> Sequence[dict]:
    """The pipeline that kept embeddings were made with.

    Args:
        pipeline (Sequence[dict]): One with a :class:`.LoadFrameEmbeddings`;
            any other is given back.
    """
    for step in pipeline:
        if step['type'] == 'LoadFrameEmbeddings':
            return read_about(step['store'])['settings']['pipeline']
    return pipeline


def as_plain(settings: dict) -> dict:
    """Settings as they are read back from JSON."""
    return json.loads(json.dumps(settings, default=str))
