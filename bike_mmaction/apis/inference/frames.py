"""Frames of files, folders and lists, with the same methods."""

import os
import os.path as osp
import re
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Optional, Union

import numpy as np

from ...errors import PipelineError
from ...files import has_extension
from ...video import IsolatedReader, VideoReader

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


class VideoFile:
    """The frames of a video file, decoded when needed.

    It is opened once for all of its windows, and not read into memory.

    Args:
        path (str): The file.
        isolated (bool): Whether to read in a process of its own, which a file
            may crash. Defaults to False.
        time_limit (float, optional): Seconds, where isolated. Defaults to
            None: no limit.
        **options: Of the :class:`~bike_mmaction.video.VideoReader`.
    """

    def __init__(
        self,
        path: str,
        isolated: bool = False,
        time_limit: Optional[float] = None,
        **options: Any,
    ) -> None:
        self.path, self._options = path, options
        self._is_isolated, self._time_limit = isolated, time_limit
        self._reader: Union[VideoReader, IsolatedReader, None] = None
        self._lock = threading.Lock()

    def __reduce__(self):  # the file is opened anew in another process
        args = self.path, self._is_isolated, self._time_limit
        return partial(VideoFile, **self._options), args

    def isolated(self, time_limit: Optional[float]) -> 'VideoFile':
        """The same, to be read in a process of its own."""
        return VideoFile(self.path, True, time_limit, **self._options)

    def here(self) -> 'VideoFile':
        """The same, to be read in this process."""
        return VideoFile(self.path, **self._options)

    def close(self) -> None:
        """Release the decoder; it is opened again when needed."""
        with self._lock:
            self._reader = None  # others may still be reading with it

    @property
    def reader(self) -> Union[VideoReader, IsolatedReader]:
        """The open file.

        Raises:
            VideoError: if it cannot be read; says why.
        """
        with self._lock:
            if self._reader is None:
                if self._is_isolated:
                    self._reader = IsolatedReader(
                        self.path, self._time_limit, **self._options
                    )
                else:
                    self._reader = VideoReader(self.path, **self._options)
            return self._reader

    @property
    def damage(self) -> str:
        """What of the file is missing; '' if nothing is."""
        return str(self.reader.damage) if self.reader.damage else ''

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.reader[index]

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        """Images [N, H, W, 3]."""
        return self.reader.frames(indices)

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Images [H, W, 3] of ascending indices."""
        return self.reader.iterate(indices)


class ImageSequence:
    """Images one by one, with the methods of a video.

    Args:
        images (Sequence): Images [H, W, 3], RGB, uint8.
    """

    def __init__(self, images: Any) -> None:
        self._images = images

    def frames(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Images [H, W, 3]."""
        return [self._images[index] for index in indices]

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Images [H, W, 3], when they are needed."""
        return (self._images[index] for index in indices)


class ImageFolder:
    """The images of a folder, read when needed.

    Args:
        path (str): The folder. Numbers in the names of its files are put in
            order as numbers: 2.png before 10.png.
    """

    def __init__(self, path: str) -> None:
        self.paths = numbered_files(path, IMAGES)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        import cv2

        image = cv2.imread(self.paths[index])
        if image is None:
            raise PipelineError(f"'{self.paths[index]}' is no image")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def numbered_files(folder: str, suffixes: Sequence[str]) -> list[str]:
    """Paths of the files with these suffixes, in the order of their numbers."""
    names = [n for n in os.listdir(folder) if has_extension(n, suffixes)]
    names.sort(
        key=lambda name: [
            int(part) if place % 2 else part
            for place, part in enumerate(re.split(r'([0-9]+)', name))
        ]
    )
    return [osp.join(folder, name) for name in names]
