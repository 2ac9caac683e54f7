"""Reading videos: exact frames of any file.

>>> from bike_mmaction.video import VideoReader
>>> with VideoReader('video.mp4') as video:
...     images = video.frames([0, 10, 20])  # [3, H, W, 3], RGB, uint8
...     print(len(video), video.duration, video.at([1.5]).shape)
"""

from .damage import Damage
from .errors import (
    BackendError,
    BrokenShardError,
    ChangedFileError,
    CrashError,
    DamagedVideoError,
    DamagedVideoWarning,
    EmptyFileError,
    MissingVideoError,
    NoDecoderError,
    NoPermissionError,
    NotAFileError,
    NotAVideoError,
    NoVideoStreamError,
    TimeLimitError,
    VideoError,
)
from .isolated import IsolatedReader
from .reader import BACKENDS, VideoReader, choose_backend, has_variable_rate
from .worker import limit_memory
from .workers import TIME_LIMIT, WorkerError, WorkerPool

__all__ = [
    'BACKENDS',
    'TIME_LIMIT',
    'BackendError',
    'BrokenShardError',
    'ChangedFileError',
    'CrashError',
    'Damage',
    'DamagedVideoError',
    'DamagedVideoWarning',
    'EmptyFileError',
    'IsolatedReader',
    'MissingVideoError',
    'NoDecoderError',
    'NoPermissionError',
    'NoVideoStreamError',
    'NotAFileError',
    'NotAVideoError',
    'TimeLimitError',
    'VideoError',
    'VideoReader',
    'WorkerError',
    'WorkerPool',
    'choose_backend',
    'has_variable_rate',
    'limit_memory',
]
