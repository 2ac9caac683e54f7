"""Frame embeddings of any videos at regular times: an index to search in."""

import os.path as osp
import warnings
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any, Union

import numpy as np
import torch

from ...datasets.embedding_table import NO_LINE_BREAKS, Video, has_line_break
from ...datasets.embedding_writer import StoreWriter
from ...datasets.pipeline_access import video_pipeline
from ...datasets.video_table import PATH, VideoTable
from ...evaluation.lock import Lock
from ...models.frame_encoder import FrameEncoder
from ...version import __version__
from ...video import DamagedVideoWarning
from ..inference.inferencer import BIKEInferencer
from ..inference.reading import choose_workers
from ..labelling.results import describe_checkpoint
from ..progress import Progress
from .regular_frames import AT_ONCE, Part, read_parts, regular_steps


# long: for its arguments
def embed_videos(
    bike: BIKEInferencer,
    inputs: Union[VideoTable, str, Sequence[str]],
    out: str,
    fps: float = 1.0,
    dtype: str = 'float32',
    path_column: str = PATH,
    root: str = '',
    overwrite: bool = False,
    retry: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Keep the frame embeddings of videos, to search in them by :func:`search`.

    Videos that the index has already, and that have not changed since, are
    left as they are: a call that was stopped goes on where it was, and
    another call may add others.

    Args:
        bike (BIKEInferencer): Whose image tower embeds; its ``workers`` and
            ``time_limit`` (for each 64 frames) count.
        inputs: See :class:`.VideoTable`, or one of these.
        out (str): The folder of the index, see :class:`.EmbeddingStore`. Paths
            in it are absolute.
        fps (float): Frames of each second. Defaults to 1.
        dtype (str): On the disk: 'float32', which is searched where it lies,
            or 'float16', which needs half of it. Defaults to 'float32'.
        path_column (str): See :class:`.VideoTable`.
        root (str): See :class:`.VideoTable`.
        overwrite (bool): Whether to begin anew. Defaults to False.
        retry (bool): Whether to try again what could not be read. Defaults to
            False.
        progress (bool): Whether to show how far it is. Defaults to False.

    Returns:
        dict: Of the whole index the numbers of ``videos``, ``frames`` and
        ``seconds``; of these videos, why some are ``unreadable`` and what is
        missing of ``damaged`` ones, by path.

    Raises:
        BlockingIOError: if another job writes the same index.
        OSError: if something does not exist, or cannot be read or written.
        ValueError: if the index was made with other settings; names them.
    """
    if not 0 < fps < float('inf'):
        raise ValueError(f'fps={fps} must be positive')
    if not isinstance(inputs, VideoTable):
        inputs = VideoTable(inputs, path_column, root)
    all_paths = [osp.abspath(inputs.file_of(path)) for path in inputs.paths if path]
    paths = [path for path in dict.fromkeys(all_paths) if not has_line_break(path)]
    encoder = FrameEncoder(bike.model)
    steps = regular_steps(video_pipeline(bike.model.cfg))
    settings = dict(model=encoder.settings(), pipeline=steps, fps=fps)
    lock = Lock(osp.join(out, 'lock'))
    lock.acquire()
    try:
        with StoreWriter(
            out, settings, encoder.width, dtype, _describe(bike), overwrite
        ) as store:
            job = _Job(bike, encoder, steps, fps, store)
            job.do(paths, retry, progress)
            counts = job.counts()
            store.finish(counts)
    finally:
        lock.release()
    bad = [store.table.find(Video(path)) for path in paths]
    unreadable = {e.video.path: e.error for e in bad if e is not None and e.error}
    for path in all_paths:
        if has_line_break(path):
            unreadable[path] = f'cannot use {path!r}: {NO_LINE_BREAKS}'
    return dict(counts, unreadable=unreadable, damaged=job.damaged)


def _describe(bike: BIKEInferencer) -> dict:
    """How to make the same model again, and what else is worth knowing."""
    return dict(
        config=bike.model.cfg.filename,
        checkpoint=describe_checkpoint(bike.checkpoint),
        pretrained=getattr(bike.model.backbone, 'pretrained', None),
        versions=dict(bike_mmaction=__version__, torch=torch.__version__),
    )


class _Job:
    """Videos into a store.

    Args:
        bike (BIKEInferencer): Reads.
        encoder (FrameEncoder): Embeds.
        steps (list[dict]): See :func:`.regular_steps`.
        fps (float): Frames a second.
        store (StoreWriter): Keeps.

    Attributes:
        damaged (dict[str, str]): What is missing of files that were used.
    """

    def __init__(
        self,
        bike: BIKEInferencer,
        encoder: FrameEncoder,
        steps: list[dict],
        fps: float,
        store: StoreWriter,
    ) -> None:
        self._bike, self._encoder, self._store = bike, encoder, store
        self._steps, self._fps = steps, fps
        self.damaged: dict[str, str] = {}

    def do(self, paths: list[str], retry: bool, progress: bool) -> None:
        """Embed what the store does not have."""
        files = [p for p in paths if not self._store.has(Video(p), 0, p, retry)]
        # Also one file alone: it may be long, and may crash its decoder.
        workers = choose_workers(self._bike.workers, max(len(files), 2))
        parts = read_parts(
            files,
            self._steps,
            self._fps,
            self._bike.reader.options,
            workers,
            self._bike.time_limit,
        )
        bar = Progress(len(paths), len(paths) - len(files), progress)
        with warnings.catch_warnings(), bar, closing(parts):
            warnings.simplefilter('ignore', DamagedVideoWarning)
            self._embed(files, parts, bar)

    def _embed(self, files: list[str], parts: Iterable[Part], bar: Progress) -> None:
        """Some frames at once, also of several videos."""
        batch: list[Part] = []
        rows: dict[int, list[np.ndarray]] = {}
        lost: set[int] = set()
        for part in parts:
            if part.error and part.number not in lost:
                lost.add(part.number)
                rows.pop(part.number, None)
                path = files[part.number]
                self._store.fail(Video(path), 0, path, part.error)
                bar.update(1)
            elif not part.error:
                batch.append(part)
            if sum(one.frames for one in batch) >= AT_ONCE:
                self._keep(files, batch, rows, lost, bar)
                batch = []
        self._keep(files, batch, rows, lost, bar)
        self._store.commit()

    def _keep(
        self,
        files: list[str],
        batch: list[Part],
        rows: dict[int, list[np.ndarray]],
        lost: set[int],
        bar: Progress,
    ) -> None:
        """Embed a batch; a video whose last frames are there goes to the disk."""
        batch = [part for part in batch if part.number not in lost]
        if not batch:
            return
        by_size: dict[tuple, list[Part]] = {}
        for part in batch:
            assert part.images is not None
            by_size.setdefault(tuple(part.images.shape[3:]), []).append(part)
        for same in by_size.values():
            images = torch.cat([p.images for p in same if p.images is not None], 2)
            embedded = self._encoder([images])[0, 0]  # [N, D]
            place = 0
            for part in same:
                assert part.moments is not None
                done = rows.setdefault(part.number, [])
                done.append(embedded[place : place + part.frames])
                place += part.frames
                if sum(map(len, done)) == len(part.moments):
                    self._add(files[part.number], rows.pop(part.number), part)
                    bar.update(1)
        self._store.commit()

    def _add(self, path: str, rows: list[np.ndarray], last: Part) -> None:
        embeddings = np.concatenate(rows)
        if not np.isfinite(embeddings).all():
            error = f"cannot use '{path}': its frame embeddings are not finite"
            self._store.fail(Video(path), 0, path, error)
            return
        self._store.add(Video(path), 0, path, embeddings, last.moments)
        if last.damage:
            self.damaged[path] = last.damage

    def counts(self) -> dict[str, Any]:
        """Of the whole index."""
        entries = [e for e in self._store.table.current() if not e.error]
        frames = sum(entry.rows for entry in entries)
        return dict(videos=len(entries), frames=frames, seconds=frames / self._fps)
