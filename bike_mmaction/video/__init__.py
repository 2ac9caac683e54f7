"""Reading videos: exact frames of any file.

>>> from bike_mmaction.video import VideoReader
>>> with VideoReader('video.mp4') as video:
...     images = video.frames([0, 10, 20])  # [3, H, W, 3], RGB, uint8
...     print(len(video), video.duration, video.at([1.5]).shape)
"""

from .damage import Damage
from .errors import (
    BackendError,
    DamagedVideoError,
    DamagedVideoWarning,
    EmptyFileError,
    MissingVideoError,
    NoDecoderError,
    NoPermissionError,
    NotAFileError,
    NotAVideoError,
    NoVideoStreamError,
    VideoError,
)
from .reader import BACKENDS, VideoReader, choose_backend, has_variable_rate

__all__ = [
    'BACKENDS',
    'BackendError',
    'Damage',
    'DamagedVideoError',
    'DamagedVideoWarning',
    'EmptyFileError',
    'MissingVideoError',
    'NoDecoderError',
    'NoPermissionError',
    'NoVideoStreamError',
    'NotAFileError',
    'NotAVideoError',
    'VideoError',
    'VideoReader',
    'choose_backend',
    'has_variable_rate',
]
