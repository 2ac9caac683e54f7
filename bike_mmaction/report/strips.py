"""Frames of mistaken videos, with what the model looked at."""

import base64
import math
from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from ..apis import BIKEInferencer, Recognition
from ..apis.inference.sources import Source, close_file, images_of, times_of
from ..errors import explain
from ..shards import exists
from .measures import Mistake

MOST_FRAMES, SIDE, QUALITY = 16, 160, 80  # of a strip; pixels; of JPEG


class Frame(NamedTuple):
    """A frame of a strip, or several of which the middle one is shown.

    Attributes:
        image (str): A JPEG as a data URI.
        second (float): When it is shown.
        truth (float): Its share of the saliency of a class that the video has;
            0 without one.
        predicted (float): That of the class that the video was taken for.
    """

    image: str
    second: float
    truth: float
    predicted: float


class Strip(NamedTuple):
    """A video with its frames.

    Attributes:
        frames (list[Frame]): In the order of time; empty if there are none.
        truth (float, optional): Confidence of the class that it has.
        predicted (float, optional): Of the one that it was taken for.
        problem (str): Why there are no frames; else ''.
    """

    frames: list[Frame]
    truth: Optional[float] = None
    predicted: Optional[float] = None
    problem: str = ''


def make_strips(
    bike: BIKEInferencer,
    mistakes: Sequence[Mistake],
    files: Sequence[str],
    names: Sequence[str],
) -> list[Strip]:
    """Recognize mistaken videos again, for their frames and saliency.

    Args:
        bike (BIKEInferencer): Whose K classes are those of the scores.
        mistakes (Sequence[Mistake]): Of the test.
        files (Sequence[str]): Of all videos of the test.
        names (Sequence[str]): Of the K classes.
    """
    return [
        _strip(
            bike,
            files[m.video],
            None if m.truth is None else names[m.truth],
            None if m.predicted is None else names[m.predicted],
            list(names),
        )
        for m in mistakes
    ]


def _strip(
    bike: BIKEInferencer,
    file: str,
    truth: Optional[str],
    predicted: Optional[str],
    names: list[str],
) -> Strip:
    if not exists(file):
        return Strip([], problem='the file is not there any more')
    try:
        [source] = bike.find(file, workers=0)
        [recognition] = bike(file, classes=names, topk=len(names), threshold=0)
        if recognition.error:
            return Strip([], problem=recognition.error)
        frames = _frames(source, recognition, truth, predicted)
    except Exception as error:  # decoders have many
        return Strip([], problem=explain(file, error))
    sure: dict[Optional[str], float] = {**dict(recognition.predictions)}
    return Strip(frames, sure.get(truth), sure.get(predicted))


def _frames(
    source: Source,
    recognition: Recognition,
    truth: Optional[str],
    predicted: Optional[str],
) -> list[Frame]:
    step = math.ceil(len(recognition.frames) / MOST_FRAMES)
    starts = range(0, len(recognition.frames), step)
    groups = [recognition.frames[i : i + step] for i in starts]
    shown = [group[len(group) // 2] for group in groups]
    try:
        times = times_of(source)
        images = [_uri(image) for image in images_of(source).frames(shown)]
    finally:
        close_file(source)
    saliency: dict[Optional[str], list[float]] = dict(recognition.saliency.items())
    shares = [
        [sum(saliency.get(name, [])[i : i + step]) for i in starts]
        for name in (truth, predicted)
    ]
    return [
        Frame(image, float(times[number]), own, other)
        for image, number, own, other in zip(images, shown, *shares)
    ]


def _uri(image: np.ndarray) -> str:
    """A frame [H, W, 3], RGB, as a small JPEG."""
    import cv2

    scale = min(1, SIDE / min(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    _, content = cv2.imencode('.jpg', small[..., ::-1], quality)
    return f'data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}'
