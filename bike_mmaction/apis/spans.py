"""Stretches of a video in which the same was recognized."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, Optional

from ..visualization.timeline import Segment, nearest_segments


class Span(NamedTuple):
    """A stretch of a video.

    Attributes:
        label (str): What was recognized.
        confidence (float): The mean over its windows.
        start (float): In seconds.
        end (float): In seconds.
    """

    label: str
    confidence: float
    start: float
    end: float


def spans_of(
    windows: Sequence[Segment],
    labels: Sequence[Optional[str]],
    confidences: Sequence[float],
) -> list[Span]:
    """Join windows that follow each other and have the same label.

    Args:
        windows (Sequence[tuple[float, float]]): Begin and end of each of N
            windows, in seconds, in their order. Where they overlap, a moment
            belongs to the window whose centre is nearest.
        labels (Sequence[str | None]): N labels; None: nothing.
        confidences (Sequence[float]): N confidences of these labels.

    Returns:
        list[Span]: Without those that have no label.
    """
    if not windows:
        return []
    spans = []
    parts = zip(nearest_segments(windows), labels, confidences)
    for label, group in groupby(parts, key=lambda part: part[1]):
        joined = list(group)
        if label is not None:
            mean = sum(value for _, _, value in joined) / len(joined)
            spans.append(Span(label, mean, joined[0][0][0], joined[-1][0][1]))
    return spans
