"""From packets to pictures: no more of them than somebody wants."""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Optional, cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from .errors import NoDecoderError
from .order import Order
from .orientation import UPRIGHT, matrix_of, orientation_of, upright
from .packets import PacketSource

# Decoders that can leave out a picture that no other one refers to. HEVC's
# also leaves out some that pictures of a higher layer refer to.
_SKIPPING = ('h264', 'mpeg4', 'mpeg1video', 'mpeg2video', 'vp8')
# Those that make up what is missing of a picture, and say so on the picture.
_CONCEALING = ('mpeg4', 'h263', 'flv', 'wmv1', 'wmv2') + tuple(
    f'msmpeg4{version}' for version in ('', 'v1', 'v2', 'v3')
)
_PROBED = 8  # frames
_YCGCO = 8  # of FFmpeg's color spaces


class Run(NamedTuple):
    """Packets that are decoded one after the other.

    Attributes:
        start (int): The first one.
        wanted (list[int]): Those whose pictures are wanted, ascending.
    """

    start: int
    wanted: list[int]


def runs_for(order: Order, numbers: Iterable[int]) -> list[Run]:
    """The shortest runs that give the pictures of some packets."""
    runs: list[Run] = []
    for number in sorted(set(numbers)):
        start = order.start_for(number)
        if not runs or start > runs[-1].wanted[-1] + 1:
            runs.append(Run(start, [number]))
            continue
        wanted = [number]
        while len(runs) > 1 and runs[-1].start > start:
            wanted = runs.pop().wanted + wanted
        run = runs.pop()
        runs.append(Run(min(run.start, start), run.wanted + wanted))
    return runs


class Decoder:
    """Decodes the packets of one stream.

    Args:
        stream (VideoStream): Whose decoder is used, by nobody else.
        source (PacketSource): Its packets.
        num_threads (int): Of the decoder.

    Attributes:
        broken (set[int]): Packets that could not be decoded well.
        places (Sequence[int], optional): Of each packet, a number that should
            grow as pictures come out; those of which it does not are broken.
            None, as it is at first, if it is not known.
    """

    def __init__(
        self, stream: VideoStream, source: PacketSource, num_threads: int
    ) -> None:
        self._context, self._source = stream.codec_context, source
        if not self._context.is_open:
            self._context.thread_count = num_threads
            if num_threads == 1:
                self._context.thread_type = 'NONE'
            # Else a decoder makes up what is missing, and says nothing.
            self._context.options = dict(err_detect='explode')
        self.broken: set[int] = set()
        self.places: Optional[Sequence[int]] = None
        self._latest: Optional[int] = None

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def decode(
        self,
        start: int = 0,
        wanted: Optional[Collection[int]] = None,
        skips: bool = False,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures with the numbers of their packets, as they are shown.

        Args:
            start (int): The first packet to decode. Defaults to 0.
            wanted (Collection[int], optional): Packets whose pictures are
                wanted. Defaults to None: all.
            skips (bool): Whether pictures that nobody wants may be left out,
                where the decoder can do so: where each packet is one frame.
                Defaults to False.
        """
        context = self._context
        context.flush_buffers()
        self._latest = None
        context.skip_frame = 'DEFAULT'
        skips = skips and context.name in _SKIPPING
        left = None if wanted is None else set(wanted)
        last = float('inf') if left is None else max(left)
        number = start
        for number, packet in self._source.read(start):
            if skips and left is not None:
                context.skip_frame = 'DEFAULT' if number in left else 'NONREF'
            for frame in self._decode(packet, number):
                shown = cast(int, frame.pts)
                if left is None:
                    yield shown, frame
                elif shown in left:
                    left.remove(shown)
                    yield shown, frame
            if number >= last or not (left is None or left):
                break
        if left is None or left:
            for frame in self._decode(None, number):
                shown = cast(int, frame.pts)
                if left is None or shown in left:
                    yield shown, frame

    def confirms_keys(self, order: Order) -> bool:
        """Whether keyframes are some, where the container calls all frames so.

        It may mean no more than that it has no table of them.
        """
        if len(order.keys) < len(order.places) or self._context.codec.intra_only:
            return True
        return all(picture.key_frame for _, picture in islice(self.decode(), _PROBED))

    def _decode(self, packet, number: int) -> list[VideoFrame]:
        try:
            frames = self._context.decode(packet)
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, OSError) as error:
            self.broken.add(number)
            if isinstance(error, ValueError):  # EINVAL, whose class has several names
                self._renew()
            return []
        if self._context.name in _CONCEALING and any(f.is_corrupt for f in frames):
            self.broken.add(number)
        if self.places is not None:
            for frame in frames:
                self._note_order(cast(int, frame.pts), self.places)
        return frames

    def _renew(self) -> None:
        """Take another decoder where this one will refuse whatever comes next."""
        if self._context.name != 'vp9':
            return
        renewed = cast(Any, av.CodecContext.create('vp9', 'r'))
        renewed.thread_count = self._context.thread_count
        renewed.thread_type = self._context.thread_type
        renewed.options = dict(err_detect='explode')
        self._context = renewed

    def _note_order(self, number: int, places: Sequence[int]) -> None:
        """Note a picture whose time is before that of the one it comes after."""
        if self._latest is not None and places[number] < places[self._latest]:
            self.broken.update((self._latest, number))
        self._latest = number


class Painter:
    """Makes upright images, all of one size, of decoded pictures.

    Several threads may use one.

    Args:
        first (VideoFrame): The first picture, which tells size and
            orientation.
        path (str): For messages.
    """

    def __init__(self, first: VideoFrame, path: str = '') -> None:
        self._path = path
        self._size = first.width, first.height
        matrix = matrix_of(first)
        self.orientation = UPRIGHT if matrix is None else orientation_of(matrix)
        # One for all of them, as it takes time to set up.
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()  # else it mixes pictures up, or crashes
        self._is_old = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images, in pixels."""
        width, height = self._size
        return (width, height) if self.orientation[0] else (height, width)

    def paint(self, frame: VideoFrame) -> np.ndarray:
        """An image [H, W, 3], RGB, uint8.

        Raises:
            NoDecoderError: if its colours are of a kind that is not converted.
        """
        try:
            with self._lock:
                picture = self._reformat(frame)
        except OSError as error:
            kind = f'{frame.format.name}, color space {frame.colorspace}'
            reason = f'its colours ({kind}) cannot be converted to RGB'
            raise NoDecoderError(self._path, reason) from error
        if self.orientation == UPRIGHT:
            return picture.to_ndarray()
        return np.ascontiguousarray(upright(picture.to_ndarray(), self.orientation))

    def _reformat(self, frame: VideoFrame) -> VideoFrame:
        options: dict[str, Any] = dict(threads=1)
        if self._is_old:  # it heeds the colours only where they are to change
            if frame.colorspace == _YCGCO:  # which its FFmpeg takes for another
                raise OSError('YCgCo')
            options = dict(dst_colorspace='ITU601', src_color_range=frame.color_range)
        try:
            return self._reformatter.reformat(frame, *self._size, 'rgb24', **options)
        except TypeError:  # PyAV before 17, which knows of one thread only
            if self._is_old:
                raise
            self._is_old = True
            return self._reformat(frame)
