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
import os
import os.path as osp
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Optional

import numpy as np

from ..errors import PipelineError, UnreadableError
from ..files import write_json, writing
from ..text_files import read_json
from .embedding_table import NAME as TABLE
from .embedding_table import EmbeddingTable, Entry, Video, append_entries
from .growing_array import GrowingArray
from .same_settings import check_same

ABOUT, EMBEDDINGS, TIMES = 'about.json', 'embeddings.npy', 'times.npy'
FORMAT = 1
DTYPES = ('float32', 'float16')


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


class StoreWriter:
    """Adds videos to a store, which is made if it is absent.

    One process writes a store at a time; see :class:`.Lock`.

    Args:
        folder (str): The folder.
        settings (dict): What determines the embeddings, as JSON.
        width (int): D.
        dtype (str): 'float32' or 'float16'.
        description (dict, optional): What else ``about.json`` shall say.
        overwrite (bool): Whether to begin anew. Defaults to False.

    Attributes:
        table (EmbeddingTable): What is there.

    Raises:
        ValueError: if what is there was made with other settings; names the
            first that differs.
    """

    def __init__(
        self,
        folder: str,
        settings: dict,
        width: int,
        dtype: str = 'float32',
        description: Optional[dict] = None,
        overwrite: bool = False,
    ) -> None:
        if dtype not in DTYPES:
            raise ValueError(f'dtype={dtype!r}; choose from {DTYPES}')
        self.folder = folder
        settings = as_plain(dict(settings, width=width, dtype=dtype))
        self._about: dict[str, Any] = dict(
            format=FORMAT, complete=False, settings=settings, **(description or {})
        )
        with writing(folder, folder):
            os.makedirs(folder, exist_ok=True)
        if overwrite or not osp.isfile(osp.join(folder, ABOUT)):
            for name in (ABOUT, TABLE, EMBEDDINGS, TIMES):
                with suppress(FileNotFoundError):
                    os.remove(osp.join(folder, name))
        else:
            check_same(read_about(folder)['settings'], settings, folder)
        write_json(osp.join(folder, ABOUT), self._about)
        self.table = EmbeddingTable(folder)
        rows = self.table.num_rows()
        self._rows = GrowingArray(osp.join(folder, EMBEDDINGS), dtype, width)
        self._times = GrowingArray(osp.join(folder, TIMES), 'float64')
        for growing in (self._rows, self._times):
            growing.cut(rows)
        self._new: list[Entry] = []

    def __enter__(self) -> 'StoreWriter':
        return self

    def __exit__(self, *_) -> None:
        self._rows.close()
        self._times.close()

    def has(self, video: Video, sample: int, file: str, retry: bool = False) -> bool:
        """Whether nothing is left to do for a sample.

        Args:
            video (Video): The video.
            sample (int): Its sample.
            file (str): Where its file is; one that has changed is new.
            retry (bool): Whether to try again what could not be read.
        """
        entry = self.table.find(video, sample)
        if entry is None or (retry and entry.error):
            return False
        return (entry.size, entry.mtime_ns) == state_of(file)

    def add(
        self,
        video: Video,
        sample: int,
        file: str,
        embeddings: np.ndarray,
        times: Optional[np.ndarray] = None,
    ) -> None:
        """Add a sample of a video.

        Args:
            video (Video): The video.
            sample (int): Its sample.
            file (str): Where its file is.
            embeddings (np.ndarray): Rows [T, D].
            times (np.ndarray, optional): Seconds [T]. Defaults to None: not
                known.
        """
        if times is None:
            times = np.full(len(embeddings), np.nan)
        first = self._rows.rows
        self._rows.append(embeddings)
        self._times.append(times)
        entry = Entry(video, sample, first, len(embeddings), *state_of(file))
        self._new.append(entry)

    def fail(self, video: Video, sample: int, file: str, error: str) -> None:
        """Note that a sample could not be read."""
        self._new.append(Entry(video, sample, 0, 0, *state_of(file), error))

    def commit(self) -> None:
        """Bring all that was added to the disk: nothing is done twice then."""
        if not self._new:
            return
        self._rows.flush()
        self._times.flush()
        with writing(osp.join(self.folder, TABLE)):
            append_entries(self.folder, self._new)
        for entry in self._new:
            self.table.add(entry)
        self._new = []

    def finish(self, counts: dict) -> None:
        """Say that all is there.

        Args:
            counts (dict): Of videos, rows and the like, for ``about.json``.
        """
        self.commit()
        self._about.update(complete=True, counts=counts)
        write_json(osp.join(self.folder, ABOUT), self._about)


def as_plain(settings: dict) -> dict:
    """Settings as they are read back from JSON."""
    return json.loads(json.dumps(settings, default=str))


def state_of(file: str) -> tuple[int, int]:
    """Bytes of a file, and when it was changed; -1, 0 if there is none."""
    try:
        state = os.stat(file)
    except OSError:
        return -1, 0
    return state.st_size, state.st_mtime_ns
