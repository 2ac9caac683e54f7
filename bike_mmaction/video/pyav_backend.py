"""Exact frames of any file, by PyAV: FFmpeg inside of a Python package."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from typing import Optional

import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .backend import Backend
from .damage import Damage, Part, frames_in_gaps, missing_end, warn_of
from .decoding import Decoder, Painter, Run, runs_for
from .errors import DamagedVideoError
from .files import File, missing_bytes, size_of
from .opening import only_video, open_container, open_video_stream
from .order import (
    TIMED,
    TINY,
    WHOLE_FRAMES,
    Order,
    order_by_decoding,
    order_by_times,
    times_of,
)
from .orientation import degrees_of
from .packets import PacketSource

KEPT_BYTES = 64 << 20  # of pictures that stay, where all had to be decoded
UNCOUNTED = ('mpegts', 'mpeg')  # no header says how many frames there are
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
        self._cut, self._is_unordered = missing_bytes(file), False
        self._order = self._find_order()
        self._skips = self._format in WHOLE_FRAMES and not self._is_unordered
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

    def difficulties(self) -> dict[str, str]:
        """What other decoders are known to stumble over, in words."""
        numbers, table = range(len(self._source.table)), self._source.table
        tests = {
            'unordered': (self._is_unordered, 'its order is known by decoding only'),
            'packets': (
                self._format not in WHOLE_FRAMES,
                f'a file of the format {self._format}',
            ),
            'hidden': (any(map(table.is_hidden, numbers)), 'it hides frames'),
            'open': (
                self._order.refers_back(),
                'frames refer to what is before their keyframe: an open GOP',
            ),
            'refresh': (
                not self._starts_at_keyframes(),
                'its keyframes are none: a picture is refreshed bit by bit',
            ),
            'turned': (self.rotation != 0, f'it is turned by {self.rotation} degrees'),
            'damaged': (bool(self.damage), str(self.damage)),
        }
        return {kind: text for kind, (is_so, text) in tests.items() if is_so}

    def _starts_at_keyframes(self) -> bool:
        """Whether a keyframe is one, as far as the second one tells."""
        keys = self._order.keys
        if len(keys) < 2 or self._source.table.is_hidden(keys[1]):
            return True
        number, _ = next(self._decoder.decode(keys[1]), (None, None))
        return number == keys[1] or self._order.refers_back()

    def _new_decoder(self, stream: VideoStream) -> Decoder:
        return Decoder(stream, self._source.copy(), self._num_threads)

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
        return order_by_decoding(self._source.table, shown, keys)

    def _first_picture(self) -> VideoFrame:
        """Of the first frame that can be decoded."""
        for picture in self._pictures.values():
            return picture
        for _, picture in self._decoder.decode():
            return picture
        errors = self._source.table.errors + self._decoder.errors
        reason = f'no frame can be decoded ({errors} broken packets)'
        if self._cut:
            reason += f'; it is cut off: {self._cut} bytes are missing'
        raise DamagedVideoError(self.path, reason)

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
        table, size, cut = self._source.table, size_of(self._file), self._cut
        errors, shown = table.errors + self._decoder.errors, len(self._order.shown)
        expected = stream.frames or (len(table) if errors else 0)
        if self._format == 'avi' and _index_length(stream) in (None, len(table)):
            expected = len(table)  # its header counts gaps, too
        lost = expected - shown
        if lost > 0:
            lost -= self._before_first() + table.empty + self._repeats()
        elif self._format in UNCOUNTED:
            lost = frames_in_gaps(self.times[:-1])
            expected = shown + lost
        return Damage(
            frames=Part(lost, expected) if lost > 0 else Part(),
            bytes=Part(cut, size + cut) if cut else Part(),
            seconds=missing_end(float(self.times[-1]), self._length_of(stream)),
            errors=errors,
        )

    def _before_first(self) -> int:
        """Packets that an edit list hides before the first frame."""
        table, first = self._source.table, self._order.shown[0]
        return sum(
            table.is_hidden(n) and table.pts[n] < table.pts[first]
            for n in range(len(table))
        )

    def _repeats(self) -> int:
        """Packets of MPEG-4 that stand for the frame before."""
        table, shown = self._source.table, set(self._order.shown)
        if self.codec != 'mpeg4':
            return 0
        return sum(
            size <= TINY and number not in shown
            for number, size in enumerate(table.sizes)
        )

    def _length_of(self, stream: VideoStream) -> float:
        """Seconds of the pictures, as the container says; 0 if it does not."""
        tag = re.fullmatch(
            r'(\d+):(\d\d):(\d\d\.\d+)', stream.metadata.get('DURATION', '')
        )
        if tag:
            hours, minutes, seconds = map(float, tag.groups())
            return 3600 * hours + 60 * minutes + seconds
        if self._format not in ('matroska', 'flv') or len(self._container.streams) > 1:
            return 0.0  # what it says may be of the sound
        return (self._container.duration or 0) / 1e6

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
            for number, picture in self._decode(run, decoder):
                images[number] = paint(picture)
                while left and shown[left[-1]] in images:
                    yield left[-1], images.pop(shown[left.pop()])
            while left and shown[left[-1]] in run.wanted:
                number = shown[left[-1]]
                if number not in images:
                    images[number] = self._read_anyhow(left[-1], decoder)
                yield left.pop(), images.pop(number)

    def _decode(self, run: Run, decoder: Decoder) -> Iterator[tuple[int, VideoFrame]]:
        """The pictures of a run, from a keyframe that is one.

        Of some files a keyframe is where a refresh of the picture begins,
        bit by bit. No decoder puts it out when it begins there.
        """
        order, table, start = self._order, self._source.table, run.start
        while True:
            pictures = decoder.decode(start, {start, *run.wanted}, self._skips)
            first = next(pictures, None)
            if start == 0 or table.is_hidden(start) or (first and first[0] == start):
                break
            order.keys.remove(start)
            start = min(map(order.start_for, run.wanted))
        for number, picture in chain([first] if first else [], pictures):
            if number in run.wanted:
                yield number, picture

    def _read_anyhow(self, index: int, decoder: Decoder) -> np.ndarray:
        """The image of a frame that did not come from where it should."""
        number = self._order.shown[index]
        for back in (1, 2, len(self._order.keys)):
            start = self._order.start_for(number, back)
            for _, picture in decoder.decode(start, [number]):
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
        nearest = self._decodable[max(0, bisect_right(self._decodable, index) - 1)]
        number = self._order.shown[nearest]
        for _, picture in decoder.decode(0, [number]):
            return self._painter.paint(picture)
        raise DamagedVideoError(self.path, f'frame {index} cannot be decoded')


def _index_length(stream: VideoStream) -> Optional[int]:
    """Packets in the index of the container; None if PyAV is too old to tell."""
    index = getattr(stream, 'index_entries', None)
    return None if index is None else len(index)
