"""What it takes to find texts in many frame embeddings that are in memory."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..apis.retrieval.index import SearchIndex
from ..models.moments import Queries, cosines_of
from .measuring import Report, Spread, by_turns

WORDS = 77  # token positions of CLIP's texts
WINDOW = 8  # frames
_VIDEO = 60  # frames: a minute at one a second
_ROWS_AT_ONCE = 2**16


def benchmark_search(
    frames: int, width: int, texts: int, report: Report, repeats: int = 7
) -> None:
    """Time of a search, with windows of 8 frames and the best 5 videos.

    Against one reading of all rows by a matrix product. Once with videos
    whose frames are alike, as most are; once with frames that have nothing to
    do with each other, where bounds tell the least.

    Args:
        frames (int): In the index.
        width (int): D.
        texts (int): Sought at once, in a second search.
        report (Report): Takes the figures.
        repeats (int): Rounds. Defaults to 7.
    """
    torch.manual_seed(0)
    first = np.arange(0, frames, _VIDEO)
    counts = np.minimum(_VIDEO, frames - first)
    for kind, likeness in (('alike', 2.0), ('unrelated', 0.0)):
        rows = draw_rows(frames, width, likeness)
        index = SearchIndex(rows, first, counts)
        one, several = draw_queries(1, width), draw_queries(texts, width)
        parts: dict[str, Callable[[], Any]] = {}
        parts['one'] = partial(_search, index, one)
        parts['several'] = partial(_search, index, several)
        parts['bare'] = partial(cosines_of, rows, index.inverse, one.targets)
        times = {name: of.clock for name, of in by_turns(parts, repeats).items()}
        _search(index, one)
        figures: dict[str, Any] = dict(
            one_text=Spread.of(times['one'], 's'),
            matrix_product_alone=Spread.of(times['bare'], 's'),
            ratio=Spread.of(times['one'] / times['bare']),
            windows_scored=f'{index.scored} of {len(index.windows(WINDOW).owner)}',
        )
        figures[f'{texts}_texts'] = Spread.of(times['several'], 's')
        report.add(f'{frames} frames x {width}, {kind}, float32', **figures)


def _search(index: SearchIndex, queries: Queries) -> list:
    return list(index.search(queries, topk=5, length=WINDOW))


def draw_rows(frames: int, width: int, likeness: float) -> Tensor:
    """Embeddings [frames, width] of videos.

    Args:
        frames (int): How many.
        width (int): D.
        likeness (float): Length of what frames of a video have in common,
            against what is of each alone.
    """
    rows = torch.empty(frames, width)
    for start in range(0, frames, _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        part.normal_()
        if likeness:
            common = torch.randn(-(-len(part) // _VIDEO), width)
            part += likeness * common.repeat_interleave(_VIDEO, 0)[: len(part)]
    return rows


def draw_queries(texts: int, width: int) -> Queries:
    """Texts whose words have to do with the whole, as CLIP's."""
    targets = F.normalize(torch.randn(texts, width), dim=-1)
    words = targets[:, None] + 2 * torch.randn(texts, WORDS, width) / width**0.5
    return Queries(F.normalize(words, dim=-1), None, targets, 0.01)
