"""What of a video is missing."""

import warnings
from dataclasses import dataclass

from .errors import DamagedVideoWarning


@dataclass
class Damage:
    """What of a video is missing or broken; false if nothing is.

    Attributes:
        frames (int): Frames that its header names, but that are not there or
            cannot be decoded.
        of_frames (int): Frames that it should have; 0 if it is not known.
        bytes (int): Bytes that are missing at its end.
        of_bytes (int): Bytes that it should have; 0 if it is not known.
        errors (int): Packets in it that are broken.
    """

    frames: int = 0
    of_frames: int = 0
    bytes: int = 0
    of_bytes: int = 0
    errors: int = 0

    def __bool__(self) -> bool:
        return bool(self.frames or self.bytes or self.errors)

    def __str__(self) -> str:
        parts = []
        if self.bytes:
            parts.append(
                f'it is cut off: {_share(self.bytes, self.of_bytes, "bytes")} '
                'are missing'
            )
        if self.frames:
            parts.append(
                f'{_share(self.frames, self.of_frames, "frames")} cannot be read'
            )
        elif self.errors:
            parts.append(f'{self.errors} broken packets')
        return '; '.join(parts) or 'nothing is missing'


def _share(part: int, whole: int, what: str) -> str:
    if whole < part:
        return f'{part} {what}'
    return f'{part} of {whole} {what} ({100 * part / whole:.2g} %)'


def warn_of(path: str, damage: Damage) -> None:
    """Warn of what is missing, if anything is."""
    if damage:
        warnings.warn(f"'{path}': {damage}", DamagedVideoWarning, stacklevel=3)
