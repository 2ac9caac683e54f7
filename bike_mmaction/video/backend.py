"""What a backend has to do: little, as the reader does the rest."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from .damage import Damage
from .files import File


class Backend(ABC):
    """An open file.

    Args:
        path (str): For messages.
        file (str | BinaryIO): What to open.
        num_threads (int): Of the decoder. Defaults to 1.
        device (str): Where to decode. Defaults to 'cpu'.

    Attributes:
        name (str): Of the backend.
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1], ascending, from a player's start on.
        codec (str): FFmpeg's name, such as 'h264'.
        size (tuple[int, int]): Width and height of the upright frames.
        rotation (int): Degrees by which the stored pictures are turned,
            clockwise, to be upright: 0, 90, 180 or 270.
        damage (Damage): What is missing.
    """

    name = ''
    times: np.ndarray
    codec: str
    size: tuple[int, int]
    rotation: int
    damage: Damage

    @abstractmethod
    def __init__(
        self, path: str, file: File, num_threads: int = 1, device: str = 'cpu'
    ) -> None: ...

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> np.ndarray:
        """Images [len(indices), H, W, 3], RGB, uint8; the indices are valid."""

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """The images [H, W, 3] of ascending indices, one after the other."""
        for first in range(0, len(indices), 16):
            yield from self.frames(indices[first : first + 16])

    @abstractmethod
    def close(self) -> None:
        """Release the file."""
