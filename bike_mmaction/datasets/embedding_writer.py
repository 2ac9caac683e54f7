"""Writing of a store of frame embeddings, which a kill does not harm."""

import os
import os.path as osp
from contextlib import suppress
from typing import Any, Optional

import numpy as np

from ..files import write_json, writing
from ..text_files import read_json
from .embedding_store import ABOUT, EMBEDDINGS, FORMAT, TIMES, as_plain, read_about
from .embedding_table import NAME as TABLE
from .embedding_table import EmbeddingTable, Entry, Video, append_entries
from .growing_array import GrowingArray
from .same_settings import check_same

DTYPES = ('float32', 'float16')


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
        FileExistsError: if the folder has files of these names that are no store.
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
        _refuse_other_files(folder)
        if overwrite:
            _clear(folder)
        elif osp.isfile(osp.join(folder, ABOUT)):
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

    def __exit__(self, kind: Optional[type[BaseException]], *_) -> None:
        try:
            if kind is KeyboardInterrupt:  # what is done is kept
                self.commit()
        finally:
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


def _refuse_other_files(folder: str) -> None:
    """Files of somebody else must not be written over."""
    path = osp.join(folder, ABOUT)
    about = read_json(path) if osp.isfile(path) else {}
    if isinstance(about, dict) and {'format', 'settings'} <= set(about):
        return
    for name in (ABOUT, TABLE, EMBEDDINGS, TIMES):
        if osp.lexists(osp.join(folder, name)):
            raise FileExistsError(
                f"'{folder}' has a file {name} that is of no frame embeddings: "
                'choose another folder'
            )


def _clear(folder: str) -> None:
    """The table first: rows that no table tells of do not count."""
    for name in (TABLE, EMBEDDINGS, TIMES, ABOUT):
        with suppress(FileNotFoundError):
            os.remove(osp.join(folder, name))


def state_of(file: str) -> tuple[int, int]:
    """Bytes of a file, and when it was changed; -1, 0 if there is none."""
    try:
        state = os.stat(file)
    except OSError:
        return -1, 0
    return state.st_size, state.st_mtime_ns
