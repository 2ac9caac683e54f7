"""A reader in a process of its own: what a file does there harms nobody."""

import threading
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, Optional, Union

import numpy as np

from .damage import Damage
from .errors import CrashError
from .reader import VideoReader, has_variable_rate
from .workers import WorkerError, WorkerPool

_KEYS = ('times', 'codec', 'size', 'rotation', 'backend')
_BYTES_AT_ONCE = 2**24  # of the frames that are sent one after the other


class IsolatedReader:
    """The frames of a video file, read in a process of its own.

    A file that crashes its decoder, or is not read within the limit, gives an
    error. What else it does is as in a :class:`.VideoReader`.

    Args:
        path (str): The file.
        time_limit (float, optional): Seconds to open it, to read some frames,
            or to read the next ones of many. Defaults to None: no limit.
        **options: Of the :class:`.VideoReader`.

    Raises:
        VideoError: if it cannot be read; its class and text say why.
    """

    times: np.ndarray
    codec: str
    size: tuple[int, int]
    rotation: int
    backend: str
    damage: Damage

    def __init__(
        self, path: str, time_limit: Optional[float] = None, **options: Any
    ) -> None:
        self.path = path
        self._lock, self._numbers = threading.Lock(), count()
        self._pool = WorkerPool(_Answers(path, options), 1, time_limit)
        for key, value in zip(_KEYS, self._ask('describe')):
            setattr(self, key, value)

    def __len__(self) -> int:
        return len(self.times) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames([index])[0]

    def close(self) -> None:
        """End its process."""
        self._pool.close()

    @property
    def has_variable_rate(self) -> bool:
        """Whether some frames are shown clearly longer than others."""
        return has_variable_rate(self.times)

    def frames(self, indices: Union[Sequence[int], np.ndarray]) -> np.ndarray:
        """Frames by number, see :meth:`.VideoReader.frames`."""
        return self._ask('frames', [int(index) for index in indices])

    def iterate(self, indices: Optional[Sequence[int]] = None) -> Iterator[np.ndarray]:
        """Images one after the other, see :meth:`.VideoReader.iterate`."""
        width, height = self.size
        most = max(1, _BYTES_AT_ONCE // (3 * width * height))
        number = next(self._numbers)
        self._ask('begin', number, indices)
        while True:
            images = self._ask('following', number, most)
            yield from images
            if len(images) < most:
                return

    def _ask(self, what: str, *args: Any) -> Any:
        try:
            with self._lock:
                answer, self.damage = self._pool.run((what, *args))
        except WorkerError as error:
            raise error.of_video(self.path) from error
        return answer


class _Answers:
    """What the process of a reader does.

    Args:
        path (str): The file.
        options (dict): Of the reader.
    """

    def __init__(self, path: str, options: dict) -> None:
        self._path, self._options = path, options
        self._reader: Optional[VideoReader] = None
        self._iterators: dict[int, Iterator[np.ndarray]] = {}

    def __call__(self, question: tuple) -> tuple[Any, Damage]:
        """The answer, and what is known to be missing of the file."""
        if self._reader is None:
            self._reader = VideoReader(self._path, **self._options)
        what, *args = question
        return getattr(self, f'_{what}')(self._reader, *args), self._reader.damage

    def _describe(self, reader: VideoReader) -> list:
        return [getattr(reader, key) for key in _KEYS]

    def _frames(self, reader: VideoReader, indices: list[int]) -> np.ndarray:
        return reader.frames(indices)

    def _begin(self, reader: VideoReader, number: int, indices: Any) -> None:
        self._iterators[number] = reader.iterate(indices)

    def _following(
        self, reader: VideoReader, number: int, most: int
    ) -> list[np.ndarray]:
        """The next images of an iteration."""
        if number not in self._iterators:
            raise CrashError(self._path, 'the process that read it crashed')
        images = list(islice(self._iterators[number], most))
        if len(images) < most:
            del self._iterators[number]
        return images
