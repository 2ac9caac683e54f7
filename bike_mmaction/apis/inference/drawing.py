"""Pictures of what was recognized, and frames with it written below."""

import os.path as osp
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np

from ...visualization import draw_overlay, draw_saliency, draw_timeline
from ...visualization.colors import Color, class_colors
from ...visualization.timeline import UNREADABLE, nearest_segments
from .recognition import Recognition
from .sources import Source, images_of, times_of

THUMBNAIL = 256  # pixels of the shorter side
MAX_CURVES = 8
NONE_OF_THESE = 'none of these (no confidence reaches the threshold)'


def _ranked_names(recognitions: Sequence[Recognition]) -> list[str]:
    """All classes that were named: labels first, then by highest confidence."""
    best: dict[str, float] = {}
    for recognition in recognitions:
        for name, value in recognition.predictions:
            best[name] = max(value, best.get(name, 0))
    labels = {label for r in recognitions for label in r.labels}
    return sorted(best, key=lambda name: (name not in labels, -best[name]))


def _colors_of(recognitions: Sequence[Recognition]) -> dict[Optional[str], Color]:
    """The same for all pictures of a video."""
    classes = next((r.classes for r in recognitions if not r.error), [])
    return class_colors(_ranked_names(recognitions), classes)


def draw_windows(
    path: str, source: Source, recognitions: list[Recognition], threshold: float
) -> None:
    """Draw the confidences of the likeliest classes over the time of a video.

    Args:
        path (str): Image file to write; its suffix tells the format.
        source (Source): The video, whole.
        recognitions (list[Recognition]): Those of its windows.
        threshold (float): A line to draw; 0: none.
    """
    of_windows = [recognition.confidences for recognition in recognitions]
    times = times_of(source)
    moments = (np.arange(8) + 0.5) * times[-1] / 8
    indices = (np.searchsorted(times[:-1], moments, 'right') - 1).clip(0)
    labels = [[UNREADABLE] if r.error else r.labels for r in recognitions]
    shown = _ranked_names(recognitions)[:MAX_CURVES]
    first = {
        name: place
        for place, names in reversed(list(enumerate(labels)))
        for name in names
    }
    shown.sort(key=lambda name: first.get(name, len(labels)))
    draw_timeline(
        path,
        _segments(recognitions),
        labels,
        {n: [one.get(n, float('nan')) for one in of_windows] for n in shown},
        _thumbnails(source, indices.tolist()),
        threshold,
        f'{osp.basename(source.name)}: what is recognized when',
        times[indices].tolist(),
        _colors_of(recognitions),
    )


def draw_recognition(path: str, source: Source, recognition: Recognition) -> None:
    """Draw the frames of a video, their saliency and the attributes.

    Args:
        path (str): Image file to write; its suffix tells the format.
        source (Source): The video.
        recognition (Recognition): What was recognized in it.
    """
    names = [name for name, _ in recognition.predictions]
    colors = _colors_of([recognition])
    draw_saliency(
        path,
        _thumbnails(source, recognition.frames),
        np.array([recognition.saliency[name] for name in names]),
        [
            f'{name} (confidence {100 * value:.1f} %)'
            for name, value in recognition.predictions
        ],
        title=f'{osp.basename(source.name)}: {recognition.named or NONE_OF_THESE}',
        attributes=recognition.attributes,
        times=times_of(source)[recognition.frames].tolist(),
        colors=[colors[name] for name in names],
    )


def _thumbnails(source: Source, indices: Sequence[int]) -> list[np.ndarray]:
    import cv2

    thumbnails = []
    for image in images_of(source).frames(indices):
        scale = min(1, THUMBNAIL / min(image.shape[:2]))
        thumbnails.append(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
    return thumbnails


def annotate(
    source: Source, recognitions: list[Recognition], indices: Sequence[int], height: int
) -> Iterator[np.ndarray]:
    """Frames of a video with what was recognized below.

    Args:
        source (Source): The video, whole.
        recognitions (list[Recognition]): One, or those of its windows.
        indices (Sequence[int]): Numbers of the frames, ascending.
        height (int): Of a frame in the result, see :func:`.draw_overlay`.

    Yields:
        np.ndarray: [H, W, 3], RGB, uint8.
    """
    times = times_of(source)
    length = float(times[-1])
    colors = _colors_of(recognitions)
    starts, bars, caption = [0.0], _saliency_bars(recognitions[0], times, colors), ''
    if recognitions[0].segment:
        starts, bars = _window_bars(recognitions, length, colors)
        what = 'The surest class' if recognitions[0].independent else 'Recognized'
        caption = f'{what} when (gray: none of these)'
    elif bars:
        caption = 'What counts for the first class'
    rows_of = [max(3, len(r.labels)) for r in recognitions]
    count = max(len(r.predictions[:n]) for r, n in zip(recognitions, rows_of))
    images = images_of(source).iterate(indices)
    for index, image in zip(indices, images):
        place = max(0, bisect_right(starts, times[index]) - 1)
        rows = [
            (name, value, colors[name])
            for name, value in recognitions[place].predictions[:count]
        ]
        rows += [('', 0.0, colors[None])] * (count - len(rows))
        middle = (times[index] + times[index + 1]) / 2
        yield draw_overlay(image, rows, bars, middle / length, height, caption)


def _window_bars(
    recognitions: list[Recognition], length: float, colors: dict
) -> tuple[list[float], list]:
    """Begins of the windows' parts of the video, and a bar for each."""
    segments = nearest_segments(_segments(recognitions))
    # Low but visible, also of windows that could not be read.
    values = [max([0.1] + [v for _, v in r.predictions]) for r in recognitions]
    bars = [
        (begin / length, end / length, value, colors[r.label])
        for (begin, end), value, r in zip(segments, values, recognitions)
    ]
    return [begin for begin, _ in segments], bars


def _segments(recognitions: list[Recognition]) -> list[tuple[float, float]]:
    """Begin and end of each window, in seconds."""
    return [r.segment for r in recognitions if r.segment]


def _saliency_bars(recognition: Recognition, times: np.ndarray, colors) -> list:
    """Of the most likely class; a frame stands for what follows it."""
    if recognition.segment or recognition.error:
        return []
    name = recognition.predictions[0][0]
    shares = recognition.saliency[name]
    edges = [float(times[i] / times[-1]) for i in recognition.frames] + [1.0]
    return [
        (begin, end, share / max(shares), colors[name])
        for begin, end, share in zip(edges, edges[1:], shares)
    ]
