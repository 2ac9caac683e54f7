"""Opening files with PyAV; what is wrong with them, in words."""

from typing import Any, cast

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from .errors import (
    NoDecoderError,
    NoPermissionError,
    NotAVideoError,
    NoVideoStreamError,
    VideoError,
)
from .files import File, has_no_index, missing_bytes, opened

# Titles and the like may be no UTF-8; PyAV 19 always replaces what is not.
_IS_LENIENT = int(av.__version__.partition('.')[0]) >= 19
_LENIENT: dict[str, Any] = {} if _IS_LENIENT else dict(metadata_errors='replace')
# Names of other files, which FFmpeg would open, too.
_PLAYLISTS = (b'#EXTM3U', b'ffconcat version')


def open_container(file: File) -> InputContainer:
    """Open what FFmpeg takes; a path is a file, even ``a:b.mp4``, ``%d.png``."""
    if isinstance(file, str):
        # Not `options`: they are the streams' too, and those of FLV and MPEG-PS,
        # found later, have no place for them: PyAV 15 writes behind the others.
        return av.open(
            f'file:{file}',
            'r',
            container_options=dict(pattern_type='none'),  # one picture, no series
            **_LENIENT,
        )
    file.seek(0)
    return av.open(file, 'r', **_LENIENT)


def only_video(container: InputContainer, index: int) -> VideoStream:
    """A stream, while nothing of the others is read, where PyAV can do so."""
    discard: Any = getattr(av.stream, 'Discard', None)
    if discard is not None:
        for stream in container.streams:
            if stream.index != index:
                stream.discard = discard.all
    return cast(VideoStream, container.streams[index])


def open_video_stream(path: str, file: File) -> tuple[InputContainer, VideoStream]:
    """Open a file and find the video in it.

    Args:
        path (str): For messages.
        file (str | BinaryIO): What to open.

    Raises:
        VideoError: if there is none that can be decoded; says why.
    """
    try:
        with opened(file) as content:
            is_playlist = content.read(64).startswith(_PLAYLISTS)
        if not is_playlist:
            container = open_container(file)
    except PermissionError as error:
        raise NoPermissionError(path, 'no permission to read it') from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, file, error) from error
    if is_playlist:
        raise NotAVideoError(path, 'it is a playlist, which names other files')
    try:
        index = _video_index(path, container)
        return container, only_video(container, index)
    except VideoError:
        container.close()
        raise


def _unreadable(path: str, file: File, error: Exception) -> VideoError:
    cut = missing_bytes(file)
    reason = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    if has_no_index(file):
        reason = (
            'its index (moov) is missing: the recording or the download was '
            'never finished'
        )
    elif cut:
        reason = f'it is cut off: {cut} bytes are missing, so that it cannot be opened'
    else:
        reason = f'it is no video, or its header is damaged ({reason})'
    return NotAVideoError(path, reason)


def _video_index(path: str, container: InputContainer) -> int:
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams if s.type == 'video']
    moving = [s for s in streams if not s.disposition & cover]
    if not moving:
        others: list[str] = sorted({s.type for s in container.streams}) or ['nothing']
        reason = 'a cover picture only' if streams else ' and '.join(others)
        raise NoVideoStreamError(path, f'it has no video stream ({reason})')
    decodable = [s for s in moving if s.codec_context is not None]
    if not decodable:
        raise NoDecoderError(
            path, f'there is no decoder for its codec ({_codec_of(moving[0])})'
        )
    best = container.streams.best('video')
    return (best if best in decodable else decodable[0]).index


def _codec_of(stream: Stream) -> str:
    tag = getattr(stream, 'codec_tag', '') or ''
    return tag.strip() or 'unknown'
