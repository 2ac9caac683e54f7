"""Stretches of a video in which the same was recognized."""

from collections.abc import Sequence
from typing import NamedTuple, Optional

from ...visualization.timeline import Segment, nearest_segments

CLOSE = 1e-3  # seconds: what is nearer follows without a gap


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
    runs: list[list[Span]] = []
    nearest = zip(nearest_segments(windows), windows)
    for (part, window), label, value in zip(nearest, labels, confidences):
        if label is None:
            continue
        # Never longer than the window: beside it one may be missing.
        span = Span(label, value, max(part[0], window[0]), min(part[1], window[1]))
        last = runs[-1][-1] if runs else None
        if last and last.label == label and span.start - last.end < CLOSE:
            runs[-1].append(span)
        else:
            runs.append([span])
    return [
        Span(
            run[0].label,
            sum(span.confidence for span in run) / len(run),
            run[0].start,
            run[-1].end,
        )
        for run in runs
    ]
