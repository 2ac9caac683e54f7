"""An index of frame embeddings in memory, and how it is searched."""

from collections.abc import Iterator
from typing import Callable, NamedTuple, Optional, Union

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...datasets.embedding_store import EmbeddingStore
from ...models.moments import (
    Queries,
    Ranking,
    Windows,
    best_of_windows,
    cosines_of,
    cut_windows,
    extent,
    inverse_lengths,
    rank_videos,
    spot_windows,
)

MOST_WINDOWS = 16384  # to score for a text, where the bounds do not suffice
MOST_REFINED = 256  # the same, where a temporal transformer sees them
_TEXTS_AT_ONCE = 16
_VALUES_AT_ONCE = 2**24  # of frames, or of their cosines with words
Refine = Callable[[Tensor], Tensor]


class Moment(NamedTuple):
    """Where a text is found.

    Attributes:
        video (int): The number of the video.
        score (float): Cosine similarity, of the best window.
        first (int): First row of the event, in the index.
        last (int): Its last row.
        peak (int): Its most salient row.
    """

    video: int
    score: float
    first: int
    last: int
    peak: int


class SearchIndex:
    """Rows of many videos, to find texts in.

    Args:
        rows (Tensor): Frame embeddings [R, D], float32, of any length; the
            rows of a video one after the other.
        first (np.ndarray): First row of each video [V].
        counts (np.ndarray): Rows of each [V].
        refine (Callable, optional): What a model makes of the frame
            embeddings [B, T, D] of windows before it scores them: its
            temporal transformer. Defaults to None: nothing.
    """

    def __init__(
        self,
        rows: Tensor,
        first: np.ndarray,
        counts: np.ndarray,
        refine: Optional[Refine] = None,
    ) -> None:
        self.rows, self.first, self.counts = rows, first, counts
        self.refine = refine
        self.inverse = inverse_lengths(rows)
        self._own = _rows_of(first, counts, len(rows))
        self._windows: dict[int, Windows] = {}
        self.scored = 0  # windows of the last text

    @classmethod
    def of_store(
        cls, store: EmbeddingStore, refine: Optional[Refine] = None
    ) -> tuple['SearchIndex', list[str]]:
        """The index of a store, and the paths of its videos.

        Of float32 the rows stay mapped, of float16 they are copied.
        """
        entries = [entry for entry in store.entries() if entry.rows]
        first, counts = (
            np.array([getattr(entry, name) for entry in entries], np.int64)
            for name in ('first', 'rows')
        )
        rows = torch.from_numpy(store.embeddings).float()
        paths = [entry.video.path for entry in entries]
        return cls(rows, first, counts, refine), paths

    def windows(self, length: int) -> Windows:
        """All windows of so many rows."""
        if length not in self._windows:
            self._windows = {length: cut_windows(self.first, self.counts, length)}
        return self._windows[length]

    @torch.no_grad()
    def search(
        self, queries: Queries, topk: int, length: int, most: int = MOST_WINDOWS
    ) -> Iterator[list[Moment]]:
        """The best videos for each text, and where it is in them.

        Args:
            queries (Queries): The texts.
            topk (int): Videos for each.
            length (int): Rows of a window.
            most (int): Windows to score at most for a text.

        Yields:
            list[Moment]: Of the next text, the best first; of a video one.
        """
        windows = self.windows(length)
        for start in range(0, len(queries), _TEXTS_AT_ONCE):
            targets = queries.targets[start : start + _TEXTS_AT_ONCE]
            cosines = cosines_of(self.rows, self.inverse, targets).numpy()
            for place, of_text in enumerate(cosines):
                yield self._find(queries, start + place, of_text, windows, topk, most)

    def _find(
        self,
        queries: Queries,
        number: int,
        cosines: np.ndarray,
        windows: Windows,
        topk: int,
        most: int,
    ) -> list[Moment]:
        is_bound = self.refine is None and not queries.renormalize
        ranking = rank_videos(
            best_of_windows(cosines, windows),
            windows.owner,
            lambda numbers: self._spot(queries, number, windows, numbers)[0],
            topk,
            most if self.refine is None else min(most, MOST_REFINED),
            is_bound,
        )
        self.scored = ranking.scored
        return self._moments(queries, number, cosines, windows, ranking)

    def _moments(
        self,
        queries: Queries,
        number: int,
        cosines: np.ndarray,
        windows: Windows,
        ranking: Ranking,
    ) -> list[Moment]:
        if not len(ranking.videos):
            return []
        saliency = self._spot(queries, number, windows, ranking.windows)[1]
        peaks = windows.start[ranking.windows] + saliency.argmax(axis=1)
        usual, moments = float(cosines[self._own].mean()), []
        for video, score, peak in zip(ranking.videos, ranking.scores, peaks):
            start = self.first[video]
            own = cosines[start : start + self.counts[video]]
            first, last = extent(own, int(peak - start), usual)
            moments.append(
                Moment(int(video), float(score), start + first, start + last, int(peak))
            )
        return moments

    def _spot(
        self, queries: Queries, number: int, windows: Windows, chosen: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores [n] and saliency [n, T] of some windows."""
        longest = int(windows.length[chosen].max())
        values = longest * max(queries.words.shape[1], self.rows.shape[1])
        size = max(1, _VALUES_AT_ONCE // values)
        parts = [
            self._spot_some(queries, number, windows, chosen[i : i + size], longest)
            for i in range(0, len(chosen), size)
        ]
        scores, saliency = (torch.cat(of_parts).numpy() for of_parts in zip(*parts))
        return scores, saliency

    def _spot_some(
        self,
        queries: Queries,
        number: int,
        windows: Windows,
        chosen: np.ndarray,
        longest: int,
    ) -> tuple[Tensor, Tensor]:
        counts = windows.length[chosen]
        # Where there are fewer, the last one is repeated, as in a short video.
        steps = np.minimum(np.arange(longest), counts[:, None] - 1)
        places = torch.from_numpy(windows.start[chosen][:, None] + steps)
        frames = self.rows[places]  # [n, T, D]
        if self.refine is not None:
            frames = self.refine(frames)
        frames = F.normalize(frames, dim=-1)
        return spot_windows(frames, torch.from_numpy(counts), queries, number)


def _rows_of(
    first: np.ndarray, counts: np.ndarray, total: int
) -> Union[slice, np.ndarray]:
    """Which rows are of a video: others are of files that have changed since."""
    if int(counts.sum()) == total:
        return slice(None)
    return np.concatenate(
        [np.arange(start, start + count) for start, count in zip(first, counts)]
    )
