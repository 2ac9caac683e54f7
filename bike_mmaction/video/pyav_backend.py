"""Exact frames of any file, by PyAV: FFmpeg inside of a Python package."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import Optional

import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .backend import Backend
from .damage import Damage, warn_of
from .decoding import Decoder, Painter, runs_for
from .errors import DamagedVideoError
from .files import File, missing_bytes, size_of
from .opening import only_video, open_container, open_video_stream
from .order import (
    TIMED,
    WHOLE_FRAMES,
    Order,
    order_by_decoding,
    order_by_times,
    times_of,
)
from .orientation import degrees_of
from .packets import PacketSource

KEPT_BYTES = 64 << 20  # of pictures that stay, where all had to be decoded
_PROBED = 16  # packets


class PyAVBackend(Backend):
    """Reads with PyAV.

    Where the container tells which frame is shown when, only the frames asked
    for, and what they refer to, are decoded. Else all are decoded once, as
    only the decoder knows their order.
    """

    name = 'pyav'

    def __init__(
        self, path: str, file: File, num_threads: int = 1, device: str = 'cpu'
    ) -> None:
        self.path, self._file, self._num_threads = path, file, num_threads
        self._container, stream = open_video_stream(path, file)
        self.codec, self._index = stream.codec_context.name, stream.index
        self._format = self._container.format.name.split(',')[0]
        self._source = PacketSource(file, self._container, stream)
        self._decoder = self._new_decoder(stream)
        self._pictures: dict[int, VideoFrame] = {}
        self._decodable: Optional[list[int]] = None
        self._order = self._find_order()
        self._painter = Painter(self._first_picture())
        self.size = self._painter.size
        self.rotation = degrees_of(self._painter.orientation)
        self.times = self._times(stream)
        self.damage = self._damage(stream)

    def close(self) -> None:
        self._pictures.clear()
        self._source.close()
        self._container.close()

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        images = dict(self._read(sorted(set(indices)), self._decoder))
        return np.stack([images[index] for index in indices])

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        # With a decoder of its own, as others may read in the meantime.
        with open_container(self._file) as container:
            decoder = self._new_decoder(only_video(container, self._index))
            for _, image in self._read(indices, decoder):
                yield image

    def _new_decoder(self, stream: VideoStream) -> Decoder:
        skips = self._format in WHOLE_FRAMES or self.codec == 'mpeg4'
        return Decoder(stream, self._source.copy(), self._num_threads, skips)

    def _find_order(self) -> Order:
        table = self._source.table
        order = order_by_times(table, self._format, self.codec)
        if order is not None and (
            self._format in WHOLE_FRAMES or self._begins_with(order)
        ):
            return order
        return self._decode_all()

    def _begins_with(self, order: Order) -> bool:
        """Whether a decoder gives these frames, as far as a few tell."""
        numbers = [
            number for number, _ in islice(self._decoder.decode(0), _PROBED // 2)
        ]
        return bool(numbers) and numbers == list(order.shown[: len(numbers)])

    def _decode_all(self) -> Order:
        """Decode all frames; keep their pictures while they are few."""
        shown, keys, size = [], [], 0
        for number, picture in self._decoder.decode():
            if picture.key_frame:
                keys.append(number)
            if size <= KEPT_BYTES:
                size += sum(plane.buffer_size for plane in picture.planes)
                self._pictures[number] = picture
            shown.append(number)
        if size > KEPT_BYTES:
            self._pictures.clear()
        return order_by_decoding(self._source.table, shown, keys)

    def _first_picture(self) -> VideoFrame:
        """Of the first frame that can be decoded."""
        for picture in self._pictures.values():
            return picture
        for _, picture in self._decoder.decode():
            return picture
        errors = self._source.table.errors + self._decoder.errors
        raise DamagedVideoError(
            self.path, f'no frame can be decoded ({errors} broken packets)'
        )

    def _times(self, stream: VideoStream) -> np.ndarray:
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        # Of others it is guessed, and not a player's.
        start = self._container.start_time if self._format in TIMED else None
        return times_of(
            self._source.table,
            self._order.shown,
            stream.time_base or Fraction(1),
            rate,
            None if start is None else start / 1e6,
        )

    def _damage(self, stream: VideoStream) -> Damage:
        table, size = self._source.table, size_of(self._file)
        cut = missing_bytes(self._file)
        whole = [n for n in range(len(table)) if not table.is_broken(n)]
        lost = max(0, stream.frames - len(whole))
        if not cut and not table.errors and lost:
            lost = 0  # the container counts what was never there
        return Damage(
            frames=lost,
            of_frames=stream.frames if lost else 0,
            bytes=cut,
            of_bytes=size + cut if cut else 0,
            errors=table.errors + self._decoder.errors,
        )

    def _read(
        self, indices: Sequence[int], decoder: Decoder
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Ascending indices and their images."""
        shown, paint = self._order.shown, self._painter.paint
        if self._pictures:
            for index in indices:
                yield index, paint(self._pictures[shown[index]])
            return
        left = list(reversed(indices))
        for run in runs_for(self._order, [shown[index] for index in indices]):
            images: dict[int, np.ndarray] = {}
            for number, picture in decoder.decode(run.start, run.wanted):
                if not (run.start and picture.is_corrupt):
                    images[number] = paint(picture)
                while left and shown[left[-1]] in images:
                    yield left[-1], images.pop(shown[left.pop()])
            while left and shown[left[-1]] in run.wanted:
                number = shown[left[-1]]
                if number not in images:
                    images[number] = self._read_anyhow(left[-1], decoder)
                yield left.pop(), images.pop(number)

    def _read_anyhow(self, index: int, decoder: Decoder) -> np.ndarray:
        """The image of a frame that did not come from where it should.

        Some keyframes are none: pictures behind them need earlier ones.
        """
        number = self._order.shown[index]
        for back in (1, 2, len(self._order.keys)):
            start = self._order.start_for(number, back)
            for _, picture in decoder.decode(start, [number]):
                if not (start and picture.is_corrupt):
                    return self._painter.paint(picture)
        return self._stand_in(index, decoder)

    def _stand_in(self, index: int, decoder: Decoder) -> np.ndarray:
        """For a frame that cannot be decoded: the one before, as in a player."""
        if self._decodable is None:
            numbers = {number for number, _ in decoder.decode()}
            self._decodable = [
                i for i, number in enumerate(self._order.shown) if number in numbers
            ]
            total = len(self._order.shown)
            self.damage.frames += total - len(self._decodable)
            self.damage.of_frames = self.damage.of_frames or total
            warn_of(self.path, self.damage)
        nearest = self._decodable[max(0, bisect_right(self._decodable, index) - 1)]
        number = self._order.shown[nearest]
        for _, picture in decoder.decode(0, [number]):
            return self._painter.paint(picture)
        raise DamagedVideoError(self.path, f'frame {index} cannot be decoded')
