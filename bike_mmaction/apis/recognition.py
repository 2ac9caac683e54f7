"""What was recognized, as data and as a line of text."""
import os.path as osp
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Tuple


@dataclass
class Recognition:
    """What was recognized in a video, or in a window of one.

    Attributes:
        source (str): Its file or address; 'array' for frames.
        predictions (list[tuple[str, float]]): Classes with their
            confidences, the most likely first. Confidences of all classes
            sum to 1.
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
    """
    source: str
    predictions: List[Tuple[str, float]] = field(default_factory=list)
    label: Optional[str] = None
    saliency: Dict[str, List[float]] = field(default_factory=dict)
    frames: List[int] = field(default_factory=list)
    attributes: List[Tuple[str, float]] = field(default_factory=list)
    segment: Optional[Tuple[float, float]] = None
    warning: Optional[str] = None
    error: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return asdict(self)


def describe(recognition: Recognition) -> str:
    """A line for people."""
    where = osp.basename(recognition.source) or recognition.source
    if recognition.segment:
        where += ' {:.1f}-{:.1f} s'.format(*recognition.segment)
    if recognition.error:
        return f'{where}: {recognition.error}'
    listed = ', '.join(f'{name} {100 * value:.1f} %'
                       for name, value in recognition.predictions)
    line = f'{where}: {recognition.label or "none of these"} ({listed})'
    if recognition.attributes:
        line += '; ' + ', '.join(name for name, _ in recognition.attributes)
    if recognition.warning:
        line += f'; {recognition.warning}'
    return line
