"""One reader for all videos: frames by number or by second."""

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import groupby, repeat
from typing import BinaryIO, Optional, Union

import numpy as np

from .backend import Backend
from .damage import Damage, warn_of
from .errors import BackendError
from .files import find_file

BACKENDS = {
    'pyav': 'pyav_backend.PyAVBackend',
    'decord': 'other_backends.DecordBackend',
    'torchcodec': 'other_backends.TorchCodecBackend',
}
ENVIRONMENT = 'BIKE_VIDEO_BACKEND'
_SAME = 1e-6  # seconds: less than this is what rounding makes of one moment


def choose_backend(name: Optional[str] = None) -> str:
    """The backend to read with.

    Args:
        name (str, optional): Of :data:`BACKENDS`. Defaults to None: what the
            environment variable ``BIKE_VIDEO_BACKEND`` says, or else 'pyav'.

    Raises:
        ValueError: if there is no such backend.
    """
    chosen = name or os.environ.get(ENVIRONMENT) or 'pyav'
    if chosen not in BACKENDS:
        origin = 'backend' if name else ENVIRONMENT
        raise ValueError(f'{origin}={chosen!r}: choose from {", ".join(BACKENDS)}')
    return chosen


class VideoReader:
    """The frames of a video file.

    Frame i is the i-th one that a player shows, upright, whatever the
    container and the codec. A file is not read into memory as a whole, but one
    in tar files is, see :mod:`bike_mmaction.shards`. Several threads may use one
    reader.

    Args:
        file (str | PathLike | BinaryIO): A path, or an open binary file.
        backend (str, optional): See :func:`choose_backend`.
        num_threads (int): Of the decoder. Defaults to 1, as data loaders have
            processes of their own.
        device (str): Where to decode, such as 'cuda:0'; with 'torchcodec'.
            Defaults to 'cpu'.
        name (str, optional): Of an open file, for messages.

    Attributes:
        path (str): The file.
        times (np.ndarray): When each frame is shown, and when the last one
            ends, in seconds [N + 1] since a player's start.
        codec (str): FFmpeg's name, such as 'h264'.
        size (tuple[int, int]): Width and height of the upright frames.
        rotation (int): Degrees by which the stored pictures were turned,
            clockwise: 0, 90, 180 or 270.
        damage (Damage): What of the file is missing; false if nothing is.

    Raises:
        VideoError: if it cannot be read; its class and text say why.
        ValueError: if there is no such backend.

    Warns:
        DamagedVideoWarning: if a part of the file is missing.
    """

    def __init__(
        self,
        file: Union[str, os.PathLike, BinaryIO],
        backend: Optional[str] = None,
        num_threads: int = 1,
        device: str = 'cpu',
        name: Optional[str] = None,
    ) -> None:
        chosen = choose_backend(backend)
        if isinstance(file, (str, os.PathLike)):
            self.path = os.fspath(file)
            file = find_file(self.path)
        else:
            self.path = name or getattr(file, 'name', None) or 'an open file'
        self._lock = threading.Lock()  # decoders seek, then read
        self._is_closed = False
        self._backend = _open_with(chosen, self.path, file, num_threads, device)
        self.backend = chosen
        self.times, self.codec = self._backend.times, self._backend.codec
        self.size, self.rotation = self._backend.size, self._backend.rotation
        warn_of(self.path, self.damage)

    def __len__(self) -> int:
        return len(self.times) - 1

    def __enter__(self) -> 'VideoReader':
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __del__(self) -> None:
        # Who reads a few frames in a pipeline does not close it, and PyAV 19
        # keeps the memory of what was not closed.
        backend = getattr(self, '_backend', None)  # none if it was not opened
        if backend is not None:
            backend.close()

    def __repr__(self) -> str:
        width, height = self.size
        return (
            f'{type(self).__name__}({self.path!r}, {len(self)} frames, '
            f'{width}x{height}, {self.average_rate:.5g} a second, {self.codec}, '
            f'backend={self.backend!r})'
        )

    @property
    def damage(self) -> Damage:
        """What of the file is missing; more may show as it is read."""
        return self._backend.damage

    @property
    def timestamps(self) -> np.ndarray:
        """When each frame is shown, in seconds [N] since a player's start."""
        return self.times[:-1]

    @property
    def duration(self) -> float:
        """When the last frame ends, in seconds."""
        return float(self.times[-1])

    @property
    def average_rate(self) -> float:
        """Frames per second, on the average."""
        return len(self) / float(self.times[-1] - self.times[0])

    @property
    def has_variable_rate(self) -> bool:
        """Whether some frames are shown clearly longer than others."""
        return has_variable_rate(self.times)

    def index_at(self, seconds: float) -> int:
        """Number of the frame that a player shows at a moment.

        Before the first one it is the first, behind the last one the last.
        """
        index = bisect_right(self.times, seconds + _SAME) - 1
        return min(max(index, 0), len(self) - 1)

    def frames(self, indices: Union[Sequence[int], np.ndarray]) -> np.ndarray:
        """Frames by number.

        Args:
            indices (Sequence[int] | np.ndarray): From 0, in any order, also
                repeated; negative ones count from the end.

        Returns:
            np.ndarray: Images [len(indices), H, W, 3], RGB, uint8.

        Raises:
            IndexError: if the video has no such frame.
            ValueError: if the reader is closed.
            VideoError: if it cannot be decoded.
        """
        numbers = self._checked(indices)
        if not numbers:
            return np.empty((0, *self.size[::-1], 3), np.uint8)
        with self._lock:
            self._check_open()
            return self._backend.frames(numbers)

    def at(self, seconds: Sequence[float]) -> np.ndarray:
        """The frames that a player shows at some moments: images [N, H, W, 3]."""
        return self.frames([self.index_at(moment) for moment in seconds])

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames([index])[0]

    def iterate(self, indices: Optional[Sequence[int]] = None) -> Iterator[np.ndarray]:
        """Images [H, W, 3], one after the other, decoded as they are asked for.

        Args:
            indices (Sequence[int], optional): Ascending; may be repeated.
                Defaults to None: all.
        """
        self._check_open()
        numbers = self._checked(range(len(self)) if indices is None else indices)
        counts = [(number, len(list(group))) for number, group in groupby(numbers)]
        images = self._backend.iterate([number for number, _ in counts])
        # In this order: what is behind the last image tells of damage.
        for image, (_, count) in zip(images, counts):
            self._check_open()
            yield from repeat(image, count)

    def close(self) -> None:
        """Release the file; no more frames can be read."""
        with self._lock:
            self._is_closed = True
            self._backend.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"'{self.path}' is closed: no more of it can be read")

    def _checked(self, indices: Union[Sequence[int], np.ndarray]) -> list[int]:
        total, numbers = len(self), [int(index) for index in indices]
        outside = [n for n in numbers if not -total <= n < total]
        if outside:
            raise IndexError(
                f"'{self.path}' has {total} frames, but not number {outside[0]}"
            )
        return [n % total for n in numbers]


def has_variable_rate(times: np.ndarray) -> bool:
    """Whether some frames are shown clearly longer than others.

    Args:
        times (np.ndarray): When each is shown, and when the last one ends, in
            seconds [N + 1].
    """
    lengths = np.diff(times[:-1])  # the last one is often guessed
    if not len(lengths):
        return False
    # Matroska rounds to milliseconds.
    return bool(np.ptp(lengths) > max(0.0015, 0.1 * float(lengths.mean())))


def _open_with(
    name: str, path: str, file: Union[str, BinaryIO], num_threads: int, device: str
) -> Backend:
    """Open a file with a backend; its module is imported only now."""
    module, kind = BACKENDS[name].split('.')
    make = getattr(import_module(f'{__package__}.{module}'), kind)
    try:
        return make(path, file, num_threads, device)
    except ImportError as error:
        raise BackendError(
            path, f'the video backend {name!r} is not installed ({error})'
        ) from error
