"""Videos in a pipeline: opened, and their sampled frames decoded."""

import io
from typing import Any, Optional

import numpy as np
from mmaction.datasets.transforms import DecordDecode
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.fileio import get

from ...video import VideoReader, choose_backend
from ..entries import with_video_extension


@TRANSFORMS.register_module()
class VideoInit(BaseTransform):
    """Open a video file, of any kind, for exact frames.

    In place of MMAction2's ``DecordInit``, whose decoder takes other frames
    than those asked for from whole kinds of files.

    Required keys: filename. Added keys: video_reader, a
    :class:`~bike_mmaction.video.VideoReader`; total_frames; avg_fps.

    Args:
        backend (str, optional): 'pyav', 'decord' or 'torchcodec'. Defaults to
            None: as the environment variable ``BIKE_VIDEO_BACKEND`` says, or
            else 'pyav'.
        num_threads (int): Of the decoder. Defaults to 1: a data loader has
            several processes.
        device (str): Where to decode, with 'torchcodec'. Defaults to 'cpu'.
        backend_args (dict, optional): Of MMEngine's storage, such as
            ``dict(backend='petrel')``; the file is then read into memory.
            Defaults to None: a file of this machine.

    Raises:
        ValueError: if there is no such backend.
    """

    def __init__(
        self,
        backend: Optional[str] = None,
        num_threads: int = 1,
        device: str = 'cpu',
        backend_args: Optional[dict] = None,
    ) -> None:
        choose_backend(backend)
        self.options: dict[str, Any] = dict(
            backend=backend, num_threads=num_threads, device=device
        )
        self.backend_args = backend_args

    @property
    def num_threads(self) -> int:
        """Threads of the decoder."""
        return self.options['num_threads']

    def transform(self, results: dict) -> dict:
        """Open ``filename``.

        Raises:
            VideoError: if it cannot be read; says why.
        """
        name = results['filename']
        if self.backend_args is not None:
            content = io.BytesIO(get(name, self.backend_args))
            reader = VideoReader(content, name=name, **self.options)
        else:
            reader = VideoReader(with_video_extension(name), **self.options)
        results['video_reader'] = reader
        results['total_frames'] = len(reader)
        results['avg_fps'] = reader.average_rate
        return results

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in self.options.items())
        return f'{type(self).__name__}({options}, backend_args={self.backend_args})'


@TRANSFORMS.register_module()
class VideoDecode(DecordDecode):
    """Decode the sampled frames of a video.

    Required keys: video_reader (of :class:`VideoInit`), frame_inds. Added
    keys: imgs, original_shape, img_shape.
    """

    def __init__(self) -> None:
        super().__init__()

    def _decord_load_frames(
        self, container: VideoReader, frame_inds: np.ndarray
    ) -> list[np.ndarray]:
        return list(container.frames(frame_inds))

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
