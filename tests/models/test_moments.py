"""Texts sought in windows of many videos, against scoring all of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bike_mmaction.apis.retrieval.index import SearchIndex
from bike_mmaction.models.concept_spotting import concept_spotting
from bike_mmaction.models.moments import Queries, cut_windows, extent

LENGTH, WIDTH = 6, 16


def draw(texts=5, words=7, with_mask=False, **kwargs):
    """Videos of 1 to 40 frames that are alike, and texts."""
    torch.manual_seed(1)
    counts = torch.randint(1, 41, (60,)).numpy()
    common = torch.randn(len(counts), WIDTH).repeat_interleave(torch.tensor(counts), 0)
    rows = 3 * (common + torch.randn(len(common), WIDTH))
    mask = None
    if with_mask:
        mask = torch.rand(texts, words) > 0.4
        mask[:, 0] = True
    queries = Queries(
        F.normalize(torch.randn(texts, words, WIDTH), dim=-1),
        mask,
        F.normalize(torch.randn(texts, WIDTH), dim=-1),
        0.05,
        **kwargs,
    )
    return rows, np.cumsum(counts) - counts, counts, queries


def brute_force(rows, first, counts, queries):
    """Scores [V, K] of the best windows, each scored as a clip alone."""
    unit = F.normalize(rows, dim=-1)
    scores = torch.full((len(first), len(queries)), -torch.inf)
    for owner, start, length in zip(*cut_windows(first, counts, LENGTH)):
        one = concept_spotting(
            unit[None, start : start + length],
            queries.words,
            queries.targets,
            queries.temperature,
            queries.mask,
            queries.renormalize,
        )[0][0]
        scores[owner] = torch.maximum(scores[owner], one)
    return scores


@pytest.mark.parametrize('with_mask', [False, True])
@pytest.mark.parametrize('renormalize', [False, True])
def test_as_scoring_all_windows(with_mask, renormalize):
    rows, first, counts, queries = draw(with_mask=with_mask, renormalize=renormalize)
    best = brute_force(rows, first, counts, queries).topk(4, dim=0)
    index = SearchIndex(rows, first, counts)
    for number, moments in enumerate(index.search(queries, 4, LENGTH)):
        assert [m.video for m in moments] == best.indices[:, number].tolist()
        np.testing.assert_allclose(
            [m.score for m in moments], best.values[:, number], rtol=1e-5
        )
        for moment in moments:
            start = first[moment.video]
            assert start <= moment.first <= moment.peak <= moment.last
            assert moment.last < start + counts[moment.video]
    total = len(index.windows(LENGTH).owner)
    assert (index.scored < total) is not renormalize  # bounds have saved some


def test_windows_cover_all():
    """Any stretch of half a window lies in one; none crosses to another video."""
    first, counts = np.array([3, 10, 11, 40]), np.array([7, 1, 29, 6])
    windows = cut_windows(first, counts, LENGTH)
    covered = {(o, s + i) for o, s, n in zip(*windows) for i in range(n)}
    assert covered == {(v, first[v] + i) for v in range(4) for i in range(counts[v])}
    for video in range(4):
        for start in range(first[video], first[video] + counts[video] - 2):
            assert any(
                o == video and s <= start and start + 3 <= s + n
                for o, s, n in zip(*windows)
            )


def test_extent():
    cosines = np.array([0.1, 0.1, 0.3, 0.4, 0.35, 0.1, 0.4, 0.1])
    assert extent(cosines, 3, usual=0.1) == (2, 4)
    assert extent(cosines, 6, usual=0.1) == (6, 6)
    assert extent(np.array([0.1, 0.2, 0.4, 0.2, 0.1]), 2, usual=0.1) == (2, 2)
    assert extent(np.full(5, 0.3), 2, usual=0.1) == (0, 4)  # all of it is the event
    assert extent(np.full(1, 0.3), 0, usual=0.5) == (0, 0)
