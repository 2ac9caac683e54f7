"""What of a video is missing."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from .errors import DamagedVideoWarning

_CLOCK = 10  # seconds: a longer gap is another clock, as where files are joined
_OFTEN = 0.5  # seconds by which sound and pictures often differ in length


@dataclass
class Part:
    """So much of something is missing, of so much that should be there."""

    missing: float = 0
    whole: float = 0

    def __bool__(self) -> bool:
        return self.missing > 0

    def __str__(self) -> str:
        share = round(100 * self.missing / self.whole)
        missing, whole = round(self.missing, 2), round(self.whole, 2)
        return f'{missing} of {whole} ({share} %)'


@dataclass
class Damage:
    """What of a video is missing or broken; false if nothing is.

    Attributes:
        frames (Part): Frames that its header names, but that are not there or
            cannot be decoded.
        bytes (Part): Bytes at its end.
        seconds (Part): Seconds at its end.
        errors (int): Packets in it that are broken.
        false_count (int): Frames that its header names, where a file of its
            size cannot have so many. Defaults to 0.
        false_header (str): What its header says wrongly of the pictures, in
            words. Defaults to '': nothing.
    """

    frames: Part = field(default_factory=Part)
    bytes: Part = field(default_factory=Part)
    seconds: Part = field(default_factory=Part)
    errors: int = 0
    false_count: int = 0
    false_header: str = ''

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        parts = []
        if self.bytes:
            parts.append(f'it is cut off: {self.bytes} bytes are missing')
        if self.frames:
            parts.append(f'{self.frames} frames cannot be read')
        if self.seconds:
            parts.append(f'{self.seconds} seconds are missing at its end')
        if self.false_count:
            parts.append(
                f'its tables are damaged: {self.false_count} frames cannot be in it'
            )
        if self.false_header:
            parts.append(f'its header is damaged: {self.false_header}')
        if self.errors and not parts:
            parts.append(f'{self.errors} broken packets')
        return '; '.join(parts) or 'nothing is missing'


def missing_end(end: float, expected: float) -> Part:
    """Seconds after the last frame, where they are more than usual."""
    missing = expected - end
    return Part(missing, expected) if missing > max(_OFTEN, end / 50) else Part()


def frames_in_gaps(times: np.ndarray) -> int:
    """Frames that are missing between others of a constant rate.

    Args:
        times (np.ndarray): When each frame is shown [N], ascending.
    """
    steps = np.diff(times)
    if len(steps) < 8:
        return 0
    steps = steps[steps < _CLOCK] / np.median(steps)
    is_even = np.abs(steps - np.round(steps)) < 0.05
    if not is_even.all() or np.count_nonzero(steps < 1.5) < 0.8 * len(steps):
        return 0  # a variable rate
    return int(np.round(steps - 1).sum())


def warn_of(path: str, damage: Damage) -> None:
    """Warn of what is missing, if anything is."""
    if damage:
        warnings.warn(f"'{path}': {damage}", DamagedVideoWarning, stacklevel=3)
