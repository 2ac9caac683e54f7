"""What can be wrong with a video file, each thing with an error of its own."""

from ..errors import PipelineError


class VideoError(PipelineError):
    """A video cannot be read; names the file and says why.

    Args:
        path (str): The file.
        reason (str): What is wrong with it. Defaults to '': ``path`` is the
            whole message, as data loaders make the error of a worker anew.
    """

    def __init__(self, path: str, reason: str = '') -> None:
        super().__init__(f"cannot use '{path}': {reason}" if reason else path)
        self.path, self.reason = path, reason

    def __reduce__(self):  # else it could not come back from another process
        return type(self), (self.path, self.reason)


class MissingVideoError(VideoError):
    """There is no such file."""


class NotAFileError(VideoError):
    """It is a folder, a pipe, a device or an address."""


class NoPermissionError(VideoError):
    """It may not be read."""


class BrokenShardError(VideoError):
    """The tar file that it lies in is missing, cut off or changed."""


class EmptyFileError(VideoError):
    """It has no bytes."""


class ChangedFileError(VideoError):
    """It has changed since it was opened, or is gone."""


class NotAVideoError(VideoError):
    """It has no format of a video, or its header is damaged or missing."""


class NoVideoStreamError(VideoError):
    """It has sound or other things, but no pictures."""


class NoDecoderError(VideoError):
    """Nothing here decodes its pictures."""


class DamagedVideoError(VideoError):
    """It is a video, but none of its frames can be decoded."""


class BackendError(VideoError):
    """The chosen backend is not installed, or cannot read it exactly."""


class DamagedVideoWarning(UserWarning):
    """A part of a video is missing; says which file, and how much."""


class CrashError(VideoError):
    """The process that read it crashed; its decoder is the likeliest cause."""


class TimeLimitError(VideoError):
    """It was not read within the time limit."""
