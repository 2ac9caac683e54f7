"""Exact frames of any file, by PyAV: FFmpeg inside of a Python package."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain, islice
from typing import Optional

import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .backend import Backend
from .contradictions import places_to_heed
from .damage import Part, warn_of
from .decoding import Decoder, Painter, Run, runs_for
from .difficulties import difficulties_of
from .errors import DamagedVideoError
from .files import File, check_stamp, size_of, stamp_of
from .long_files import LONG_BYTES, LongOrder, table_of_index
from .losses import error_without_frames, find_damage
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
from .packets import PacketSource, PacketTable

KEPT_BYTES = 64 << 20  # of pictures that stay, where all had to be decoded
_PROBED = 8  # frames


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
        self._stamp = stamp_of(file)
        self._container, stream = open_video_stream(path, file)
        try:
            self._look_through(stream)
        except BaseException:
            self._container.close()
            raise

    def _look_through(self, stream: VideoStream) -> None:
        """Find out what is in the file."""
        self.codec, self._index = stream.codec_context.name, stream.index
        self._format = self._container.format.name.split(',')[0]
        self._pictures: dict[int, VideoFrame] = {}
        self._decodable: Optional[list[int]] = None
        self._is_unordered = False
        self._noted: set[int] = set()  # packets whose errors are known
        self._source, self._order = self._find_order(stream)
        self._skips = self._format in WHOLE_FRAMES and not self._is_unordered
        self._decoder.places = places_to_heed(self._order, self.codec)
        first = self._first_picture()
        self._painter = Painter(first, self.path)
        self.size = self._painter.size
        self.rotation = degrees_of(self._painter.orientation)
        self.times = self._times(stream)
        self._noted = self._errors_since(0, self._decoder)
        self.damage = find_damage(
            self._file,
            self._container,
            stream,
            self._source.table,
            self._order.shown,
            self.times,
            self._source.table.errors + len(self._noted),
            first,
        )

    def close(self) -> None:
        self._pictures = {}
        self._decoder.close()
        if isinstance(self._order, LongOrder):
            self._order.close()
        self._container.close()

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        images = dict(self._read(sorted(set(indices)), self._decoder))
        return np.stack([images[index] for index in indices])

    def iterate(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        # With a decoder of its own, as others may read in the meantime.
        check_stamp(self._file, self._stamp)
        with open_container(self._file) as container:
            stream = only_video(container, self._index)
            with closing(self._new_decoder(stream, self._source)) as decoder:
                decoder.places = self._decoder.places
                for _, image in self._read(indices, decoder):
                    yield image

    def difficulties(self) -> dict[str, str]:
        """What other decoders are known to stumble over, in words."""
        return difficulties_of(
            self._order,
            self._source.table,
            self._decoder,
            is_unordered=self._is_unordered,
            container='' if self._format in WHOLE_FRAMES else self._format,
            rotation=self.rotation,
            damage=self.damage,
        )

    def _new_decoder(self, stream: VideoStream, source: PacketSource) -> Decoder:
        return Decoder(stream, source.copy(), self._num_threads)

    def _find_order(self, stream: VideoStream) -> tuple[PacketSource, Order]:
        long_order = self._find_long_order(stream)
        if long_order is not None:
            return long_order
        source = PacketSource(self._file, self._container, stream, stamp=self._stamp)
        self._decoder = self._new_decoder(stream, source)
        order = order_by_times(source.table, self._format, self.codec)
        if order is not None and (
            self._format in WHOLE_FRAMES or self._begins_with(order)
        ):
            if not self._decoder.confirms_keys(order):
                pictures = self._decoder.decode()
                order.keys = [number for number, p in pictures if p.key_frame]
            return source, order
        return source, self._decode_all(source.table)

    def _find_long_order(
        self, stream: VideoStream
    ) -> Optional[tuple[PacketSource, Order]]:
        """That of a long file, without looking at all of it, where it can be."""
        size = size_of(self._file)
        if not isinstance(self._file, str) or size < LONG_BYTES:
            return None
        table = table_of_index(stream, size) if self._format == 'mov' else None
        if table is None:
            return None
        source = PacketSource(self._file, self._container, stream, table, self._stamp)
        order = LongOrder(self.path, source)
        self._decoder = self._new_decoder(stream, source)
        if order.is_steady() and self._decoder.confirms_keys(order):
            return source, order
        order.close()
        return None

    def _begins_with(self, order: Order) -> bool:
        """Whether a decoder gives these frames, as far as a few tell."""
        numbers = [number for number, _ in islice(self._decoder.decode(), _PROBED)]
        return bool(numbers) and numbers == list(order.shown[: len(numbers)])

    def _decode_all(self, table: PacketTable) -> Order:
        """Decode all frames; keep their pictures while they are few."""
        self._is_unordered = True
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
        return order_by_decoding(table, shown, keys)

    def _first_picture(self) -> VideoFrame:
        """Of the first frame that can be decoded."""
        for picture in self._pictures.values():
            return picture
        for _, picture in self._decoder.decode():
            return picture
        errors = self._source.table.errors + len(self._decoder.broken)
        raise error_without_frames(
            self.path, self._file, self.codec, self._source.table, errors
        )

    def _times(self, stream: VideoStream) -> np.ndarray:
        unit = float(stream.time_base or 1)
        # Of others it is guessed, and not a player's.
        start = self._container.start_time if self._format in TIMED else None
        zero = None if start is None else start / 1e6
        if isinstance(self._order, LongOrder):
            seconds = self._order.times() * unit
            return seconds - (seconds[0] if zero is None else zero)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        return times_of(self._source.table, self._order.shown, unit, rate, zero)

    def _read(
        self, indices: Sequence[int], decoder: Decoder
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Ascending indices and their images."""
        shown, paint = self._order.shown, self._painter.paint
        pictures = self._pictures
        if pictures:
            for index in indices:
                yield index, paint(pictures[shown[index]])
            return
        left = list(reversed(indices))
        images: dict[int, np.ndarray] = {}
        tried: set[int] = set()
        for run in runs_for(self._order, [shown[index] for index in indices]):
            for number, picture in self._decode(run, decoder):
                images[number] = paint(picture)
                while left and shown[left[-1]] in images:
                    yield left[-1], images.pop(shown[left.pop()])
            tried.update(run.wanted)
            while left and shown[left[-1]] in tried:
                number = shown[left[-1]]
                if number not in images:
                    images[number] = self._read_anyhow(left[-1], decoder)
                yield left.pop(), images.pop(number)

    def _decode(self, run: Run, decoder: Decoder) -> Iterator[tuple[int, VideoFrame]]:
        """The pictures of a run, from a keyframe that is one.

        Some files call frames keyframes that are none. Of others a keyframe is
        where a refresh of the picture begins, bit by bit: no decoder puts it
        out when it begins there.
        """
        order, table, start = self._order, self._source.table, run.start
        while True:
            decoder.broken.clear()
            pictures = decoder.decode(start, {start, *run.wanted}, self._skips)
            first = next(pictures, None)
            is_key = first and first[0] == start and first[1].key_frame
            if start == 0 or table.is_hidden(start) or is_key:
                break
            with suppress(ValueError):  # another thread has found it, too
                order.keys.remove(start)
            start = next((key for key in reversed(order.keys) if key < start), 0)
        for number, picture in chain([first] if first else [], pictures):
            if number in run.wanted:
                yield number, picture
        self._note_errors(start, decoder)

    def _errors_since(self, start: int, decoder: Decoder) -> set[int]:
        """Packets that a decoder that started there should have decoded."""
        table, places = self._source.table, self._order.places
        return {
            number
            for number in decoder.broken
            if (self.codec == 'vp8' or not table.is_hidden(number))
            and (self._is_unordered or places[number] >= places[start])
        }

    def _note_errors(self, start: int, decoder: Decoder) -> None:
        """Say that there is damage where frames were decoded on the way."""
        errors = self._errors_since(start, decoder) - self._noted
        decoder.broken.clear()
        if errors and start:  # or did it only miss what is before its start?
            start = next((k for k in reversed(self._order.keys) if k < start), 0)
            for _ in decoder.decode(start, [max(errors)]):
                pass
            errors &= decoder.broken
            decoder.broken.clear()
        if errors:
            self._noted |= errors
            was_known = bool(self.damage)
            self.damage.errors += len(errors)
            if not was_known:
                warn_of(self.path, self.damage)

    def _read_anyhow(self, index: int, decoder: Decoder) -> np.ndarray:
        """The image of a frame that did not come from where it should."""
        number = self._order.shown[index]
        for back in (1, 2, len(self._order.keys)):
            run = Run(self._order.start_for(number, back), [number])
            for _, picture in self._decode(run, decoder):
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
            lost = self.damage.frames.missing + total - len(self._decodable)
            self.damage.frames = Part(lost, self.damage.frames.whole or total)
            warn_of(self.path, self.damage)
        nearest = max(0, bisect_right(self._decodable, index) - 1)
        for place in self._decodable[nearest : nearest + 1]:
            for _, picture in decoder.decode(0, [self._order.shown[place]]):
                return self._painter.paint(picture)
        raise DamagedVideoError(self.path, f'frame {index} cannot be decoded')
