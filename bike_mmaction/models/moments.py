"""Text sought in many frames: video concept spotting in windows of videos.

A window is scored as a clip is (BIKE Eq. 5, 6 and 2): its frames are weighted
by saliency, then compared with the text. The weights sum to 1, so that no
window can have a higher score than its best frame has alone. One matrix
product gives these bounds for all windows; only those whose bound is high
enough are scored.
"""

from typing import Callable, NamedTuple, Optional

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_ROWS_AT_ONCE = 16384


class Queries(NamedTuple):
    """Texts as a :class:`.VCSHead` compares them with frames; unit vectors.

    Attributes:
        words (Tensor): What saliency comes of [K, Q, D].
        mask (Tensor, optional): Bool [K, Q], which of them count; None: all.
        targets (Tensor): What videos are compared with [K, D].
        temperature (float): Of the saliency.
        renormalize (bool): Whether the mean of the frames gets unit length.
    """

    words: Tensor
    mask: Optional[Tensor]
    targets: Tensor
    temperature: float
    renormalize: bool = False

    def __len__(self) -> int:
        return len(self.targets)


class Windows(NamedTuple):
    """Equal stretches of rows, each of one video.

    Attributes:
        owner (np.ndarray): The number of its video [N].
        start (np.ndarray): Its first row [N].
        length (np.ndarray): Its rows [N]; fewer where a video has fewer.
    """

    owner: np.ndarray
    start: np.ndarray
    length: np.ndarray


def cut_windows(first: np.ndarray, rows: np.ndarray, length: int) -> Windows:
    """Windows that overlap by half; the last one of a video ends with it.

    So an event of half a window lies in one as a whole.

    Args:
        first (np.ndarray): First row of each video [V].
        rows (np.ndarray): How many it has [V]; one at least.
        length (int): Rows of a window.
    """
    step = max(1, length // 2)
    spare = np.maximum(rows - length, 0)
    counts = 1 + -(-spare // step)
    owner = np.repeat(np.arange(len(rows)), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = first[owner] + np.minimum(number * step, spare[owner])
    return Windows(owner, start, np.minimum(rows, length)[owner])


def cosines_of(rows: Tensor, inverse: Tensor, targets: Tensor) -> Tensor:
    """Cosine similarity of all rows with some texts, chunk by chunk.

    Args:
        rows (Tensor): Embeddings [R, D], float32, of any length.
        inverse (Tensor): 1 / their lengths [R].
        targets (Tensor): Unit vectors [K, D].

    Returns:
        Tensor: [K, R], float32.
    """
    cosines = torch.empty(len(targets), len(rows))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        cosines[:, part] = (targets @ rows[part].t()) * inverse[part]
    return cosines


def inverse_lengths(rows: Tensor) -> Tensor:
    """1 / length of each row [R, D]; of zeros it is a large number."""
    return torch.cat(
        [1 / part.norm(dim=1).clamp_min(1e-12) for part in rows.split(_ROWS_AT_ONCE)]
        or [torch.empty(0)]
    )


def best_of_windows(cosines: np.ndarray, windows: Windows) -> np.ndarray:
    """The highest of the cosines [R] of each window [N]."""
    edges = np.stack([windows.start, windows.start + windows.length], 1).reshape(-1)
    behind = np.append(cosines, np.float32(-np.inf))  # an end may be behind the last
    return np.maximum.reduceat(behind, edges)[::2]


def spot_windows(
    frames: Tensor, counts: Tensor, queries: Queries, number: int
) -> tuple[Tensor, Tensor]:
    """Video concept spotting of one text in windows of different lengths.

    Args:
        frames (Tensor): Unit frame embeddings [B, T, D].
        counts (Tensor): How many of the T count in each window [B].
        queries (Queries): Texts.
        number (int): Which of them.

    Returns:
        tuple[Tensor, Tensor]: Scores [B], saliency [B, T].
    """
    is_padding = torch.arange(frames.shape[1]) >= counts[:, None]  # [B, T]
    words, mask = queries.words[number], queries.mask
    if mask is not None:
        words = words[mask[number]]
    similarity = frames @ words.t() / queries.temperature  # [B, T, Q]
    similarity.masked_fill_(is_padding[..., None], -torch.inf)
    saliency = similarity.softmax(dim=1).mean(dim=2)
    videos = torch.einsum('bt,btd->bd', saliency, frames)
    if queries.renormalize:
        videos = F.normalize(videos, dim=-1)
    return videos @ queries.targets[number], saliency


class Ranking(NamedTuple):
    """The best videos for a text.

    Attributes:
        videos (np.ndarray): Their numbers, the best first [k].
        scores (np.ndarray): Their scores [k].
        windows (np.ndarray): The window of each that has this score [k].
        scored (int): How many windows were scored for it.
    """

    videos: np.ndarray
    scores: np.ndarray
    windows: np.ndarray
    scored: int


def rank_videos(
    bounds: np.ndarray,
    owner: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    topk: int,
    most: int,
    is_bound: bool = True,
) -> Ranking:
    """The videos with the best windows, scoring as few windows as needed.

    Args:
        bounds (np.ndarray): What no score of a window exceeds [N].
        owner (np.ndarray): The video of each window [N].
        score (Callable): Scores [n] of windows by their numbers [n].
        topk (int): How many videos.
        most (int): Of more windows than these, those with the highest bounds
            are scored.
        is_bound (bool): Whether scores do not exceed ``bounds``; else all of
            ``most`` are scored. Defaults to True.
    """
    order = np.arange(len(bounds))
    if len(order) > most:
        order = np.argpartition(-bounds, most - 1)[:most]
    order = order[np.argsort(-bounds[order], kind='stable')]
    best = np.full(owner.max(initial=-1) + 1, -np.inf)
    place, scored, size = np.full(len(best), -1), 0, 64
    while scored < len(order):
        numbers = order[scored : scored + size]
        kth = np.partition(best, -topk)[-topk] if topk <= len(best) else -np.inf
        if is_bound and bounds[numbers[0]] <= kth:
            break
        values = score(numbers)
        rising = np.argsort(values, kind='stable')  # of a video the best comes last
        numbers_rising, owners = numbers[rising], owner[numbers[rising]]
        is_better = values[rising] > best[owners]
        best[owners[is_better]] = values[rising][is_better]
        place[owners[is_better]] = numbers_rising[is_better]
        scored += len(numbers)
        size = min(2 * size, 2048)
    videos = np.argsort(-best, kind='stable')[:topk]
    videos = videos[np.isfinite(best[videos])]
    return Ranking(videos, best[videos], place[videos], scored)


def extent(cosines: np.ndarray, peak: int, usual: float) -> tuple[int, int]:
    """How far an event reaches: the rows around its peak that are like it.

    Those that are nearer to the peak than to what is usual: half of it what
    the video has on the average, half of it all videos.

    Args:
        cosines (np.ndarray): Of the rows of a video with the text [T].
        peak (int): The row to begin with.
        usual (float): Mean cosine of all videos.

    Returns:
        tuple[int, int]: First and last row.
    """
    base = (float(cosines.mean()) + usual) / 2
    unlike = np.flatnonzero(cosines < (base + cosines[peak]) / 2)
    place = int(np.searchsorted(unlike, peak))
    first = unlike[place - 1] + 1 if place else 0
    last = unlike[place] - 1 if place < len(unlike) else len(cosines) - 1
    return min(int(first), peak), max(int(last), peak)
