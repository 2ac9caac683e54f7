"""What was recognized, as data and as a line of text."""

import copy
import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Optional

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from ...terminal import printable


@dataclass
class Recognition:
    """What was recognized in a video, or in a window of one.

    Attributes:
        source (str): Its file or address; 'array' for frames.
        predictions (list[tuple[str, float]]): Classes with their
            confidences, the most likely first. Confidences of all classes
            sum to 1, unless they are ``independent``.
        label (str, optional): The most likely class; None for "none of
            these", below the threshold.
        saliency (dict[str, list[float]]): Share of each frame of the first
            view, for each class of ``predictions``; sums to 1.
        frames (list[int]): Numbers of these frames in the video; of a
            stream, in the window.
        attributes (list[tuple[str, float]]): Phrases of the lexicon with
            their cosines, the nearest first; empty without a lexicon.
        segment (tuple[float, float], optional): Begin and end, in seconds.
        warning (str, optional): What makes the result doubtful.
        error (str, optional): Why it could not be read; the rest is empty.
        independent (bool): Whether each class has a confidence of its own, as
            of a model that was trained on clips with several labels.
    """

    source: str
    predictions: list[tuple[str, float]] = field(default_factory=list)
    label: Optional[str] = None
    saliency: dict[str, list[float]] = field(default_factory=dict)
    frames: list[int] = field(default_factory=list)
    attributes: list[tuple[str, float]] = field(default_factory=list)
    segment: Optional[tuple[float, float]] = None
    warning: Optional[str] = None
    error: Optional[str] = None
    independent: bool = False
    # All K classes and their confidences [K], for pictures; not in JSON.
    _classes: Sequence[str] = field(default=(), repr=False, compare=False)
    _confidences: Optional[np.ndarray] = field(default=None, repr=False, compare=False)
    _above: int = field(default=0, repr=False, compare=False)  # the threshold, of K

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        content = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if not item.name.startswith('_')
        }
        return copy.deepcopy(dict(content, labels=self.labels))

    @property
    def classes(self) -> list[str]:
        """All that it was recognized among, if they are known."""
        return list(self._classes) or [name for name, _ in self.predictions]

    @property
    def confidences(self) -> dict[str, float]:
        """Of all classes; of those in ``predictions`` if no more are known."""
        if self._confidences is None:
            return dict(self.predictions)
        return dict(zip(self._classes, self._confidences.tolist()))

    @property
    def labels(self) -> list[str]:
        """Where they are ``independent``, all classes at or above the threshold,
        the most likely first; else ``label`` alone, if there is one.
        """
        if self.independent:
            return [name for name, _ in self.predictions[: self._above]]
        return [] if self.label is None else [self.label]

    @property
    def named(self) -> str:
        """The labels as text; '' for "none of these"."""
        return ', '.join(self.labels)


def describe(recognition: Recognition) -> str:
    """A line for people, without signs that steer a terminal."""
    return printable(_describe(recognition), in_one_line=True)


def _describe(recognition: Recognition) -> str:
    where = osp.basename(recognition.source) or recognition.source
    if recognition.segment:
        where += ' {:.1f}-{:.1f} s'.format(*recognition.segment)
    if recognition.error:
        return f'{where}: {recognition.error}'
    listed = ', '.join(
        f'{name} {100 * value:.1f} %' for name, value in recognition.predictions
    )
    if recognition.independent:
        listed = f'each by itself: {listed}'
    line = f'{where}: {recognition.named or "none of these"} ({listed})'
    if recognition.attributes:
        line += '; ' + ', '.join(name for name, _ in recognition.attributes)
    if recognition.warning:
        line += f'; {recognition.warning}'
    return line


def fill_in(
    recognition: Recognition,
    sample: ActionDataSample,
    names: Sequence[str],
    confidences: Tensor,
    saliency: Tensor,
    topk: int,
    threshold: float,
    independent: bool = False,
) -> None:
    """Say in the words of the user what was recognized in a video.

    Args:
        recognition (Recognition): Is changed.
        sample (ActionDataSample): Of the video, with ``frame_inds``, and
            ``attributes`` and ``phrase_scores`` if it has any.
        names (Sequence[str]): Of the K classes.
        confidences (Tensor): Of each class, [K]; they sum to 1, or are
            ``independent``.
        saliency (Tensor): Of the first view, [K, T].
        topk (int): Classes to name; more where there are more labels.
        threshold (float): Confidence below which it is none of these.
        independent (bool): Whether each class has a confidence of its own.
            Defaults to False.
    """
    above = int((confidences >= threshold).sum())
    if independent:
        topk = max(topk, above)
    values, order = confidences.topk(min(topk, len(names)))
    recognition.predictions = [
        (names[k], value) for k, value in zip(order.tolist(), values.tolist())
    ]
    recognition.independent, recognition._above = independent, above
    recognition._classes = names
    recognition._confidences = confidences.detach().cpu().float().numpy()
    recognition.label = recognition.predictions[0][0] if above else None
    recognition.attributes = list(
        zip(sample.get('attributes', ()), sample.get('phrase_scores', ()))
    )
    frames = _frames_of_view(sample, saliency.shape[-1])
    by_frame, recognition.frames = _by_frame(saliency, frames)
    recognition.saliency = {names[k]: by_frame[k].tolist() for k in order.tolist()}
    warnings = [recognition.warning] if recognition.warning else []
    different = len(set(frames))
    if different < len(frames):
        warnings.append(
            f'only {different} of the {len(frames)} frames that the model '
            'looks at: some are repeated'
        )
    if len(names) == 1 and not independent:
        warnings.append('one class alone has a confidence of 1 in any video')
    recognition.warning = '; '.join(warnings) or None


def _frames_of_view(sample: ActionDataSample, count: int) -> list[int]:
    """Numbers of the frames that the first view has, by ``count`` features.

    A video backbone may leave fewer time steps than a clip has frames.
    """
    indices = np.asarray(sample.get('frame_inds', range(count))).reshape(-1).tolist()
    clip_len = sample.get('clip_len', 1)
    return indices[: max(count, clip_len)]


def _by_frame(saliency: Tensor, frames: list[int]) -> tuple[Tensor, list[int]]:
    """Saliency with a column for each of the frames to show, and their numbers.

    Args:
        saliency (Tensor): [K, T] of time steps or images.
        frames (list[int]): Those of the view.

    Returns:
        tuple: Saliency [K, F], and F frames. Where an image recognizer sees
        several crops of each frame, one set of frames after the other, their
        shares are added; where a backbone joins frames, it is the middle one.
    """
    count, total = saliency.shape[-1], len(frames)
    if count % total == 0:
        return saliency.unflatten(-1, (-1, total)).sum(-2), frames
    if count > total:  # of a backbone that makes steps between frames
        places = torch.arange(count, device=saliency.device) * total // count
        by_frame = saliency.new_zeros(*saliency.shape[:-1], total)
        return by_frame.index_add(-1, places, saliency), frames
    return saliency, [frames[(2 * i + 1) * total // (2 * count)] for i in range(count)]
