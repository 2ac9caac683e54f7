"""The packets of a video stream: what is known of each, and reading them.

A packet is named by its place in the file, from 0. Before it is decoded its
timestamp is replaced by that number, which decoders hand on to the frame: so a
frame tells which packet it comes from, whatever timestamps the file has.
"""

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import Any, Optional, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from .files import File, Stamp, check_stamp
from .opening import only_video, open_container

NO_TIME = -(1 << 63)
KEPT_BYTES = 16 << 20  # of packets that stay in memory; longer files are read again
_KEY, _HIDDEN, _BROKEN = 1, 2, 4


class PacketTable:
    """What the container says of the packets.

    Attributes:
        pts (array): When each is shown, in units of the time base; NO_TIME
            where the container does not say.
        dts (array): When each is decoded.
        sizes (array): In bytes.
        durations (array): 0 if not known.
        keys (list[int]): Packets that decoding can start at.
        errors (int): Packets that could not be read.
        empty (int): Packets without content, which repeat a frame.
        is_of_index (bool): Whether it is that of an index, which does not
            know when packets are shown.
    """

    def __init__(self) -> None:
        self.pts, self.dts = array('q'), array('q')
        self.sizes, self.durations = array('q'), array('q')
        self._flags = bytearray()
        self.keys: list[int] = []
        self.errors = self.empty = 0
        self.is_of_index = False

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, packet: Packet, is_hidden: bool = False) -> None:
        """Note a packet."""
        pts, dts = packet.pts, packet.dts
        self.pts.append(NO_TIME if pts is None else pts)
        self.dts.append(NO_TIME if dts is None else dts)
        self.sizes.append(packet.size)
        self.durations.append(packet.duration or 0)
        flags = 0
        if packet.is_keyframe:
            self.keys.append(len(self))
            flags |= _KEY
        if is_hidden or packet.is_discard:
            flags |= _HIDDEN
        if packet.is_corrupt:
            flags |= _BROKEN
            self.errors += 1
        self._flags.append(flags)

    def add_entry(self, entry: Any) -> int:
        """Note what an index tells of a packet; where the packet ends."""
        self.is_of_index = True
        self.pts.append(NO_TIME)
        self.dts.append(entry.timestamp)
        self.sizes.append(entry.size)
        self.durations.append(0)
        if entry.is_keyframe:
            self.keys.append(len(self))
        self._flags.append(_KEY * entry.is_keyframe | _HIDDEN * entry.is_discard)
        return entry.pos + entry.size

    def is_key(self, number: int) -> bool:
        """Whether the container calls it a keyframe."""
        return bool(self._flags[number] & _KEY)

    def is_hidden(self, number: int) -> bool:
        """Whether it is decoded but not shown, as before an edit list."""
        return bool(self._flags[number] & _HIDDEN)

    def is_broken(self, number: int) -> bool:
        """Whether a part of it is missing."""
        return bool(self._flags[number] & _BROKEN)

    def last_key(self, number: int) -> int:
        """Place in ``keys`` of the last keyframe up to a packet; -1 if none."""
        return bisect_right(self.keys, number) - 1


class PacketSource:
    """The packets of a file in their order, from any of them on.

    Those of a short file stay in memory. Others are read again, from where
    the container finds them, if that is the right place, else from the start
    of the file.

    Args:
        file (str | BinaryIO): What FFmpeg opens.
        container (InputContainer): The file, open, at its start.
        stream (VideoStream): Of the container.
        table (PacketTable, optional): Its packets, if they are known.
            Defaults to None: all are looked at.
        stamp (tuple, optional): Of the file, when it was opened.
    """

    def __init__(
        self,
        file: File,
        container: InputContainer,
        stream: VideoStream,
        table: Optional[PacketTable] = None,
        stamp: Stamp = None,
    ) -> None:
        self._file, self._index, self._stamp = file, stream.index, stamp
        # A file object is in memory already, and cannot be opened twice.
        limit = KEPT_BYTES if isinstance(file, str) else float('inf')
        self._kept: Optional[list[Packet]] = []
        self._places: dict[tuple, int] = {}
        self._again: Optional[InputContainer] = None
        self._process = os.getpid()
        self.table = table or PacketTable()
        if table is not None:
            self._kept = None
            return
        has_hidden = stream.codec_context.name == 'vp8'
        total = 0
        for packet in self._demux(container, stream):
            # Of VP8: a picture that others refer to, but nobody sees.
            self.table.add(packet, has_hidden and not memoryview(packet)[0] & 0x10)
            total += packet.size
            if self._kept is not None:
                self._kept.append(packet)
                if total > limit:
                    self._kept = None

    def copy(self) -> 'PacketSource':
        """Another one of the same file, to be read at the same time."""
        other = object.__new__(PacketSource)
        vars(other).update(vars(self), _again=None)
        return other

    def close(self) -> None:
        """Close the file."""
        if self._again is not None:
            self._again.close()
            self._again = None

    def read(self, start: int) -> Iterator[tuple[int, Packet]]:
        """Numbers and packets from a packet on; their ``pts`` is the number."""
        if self._kept is not None:
            packets: Iterator = enumerate(self._kept[start:], start)
        else:
            packets = self._read_again(start)
        for number, packet in packets:
            if number >= start:
                packet.pts = packet.dts = number
                yield number, packet

    def times(self, numbers: range) -> Iterator[tuple[int, int]]:
        """When some packets are shown; those that the file does have."""
        for number, packet in self._read_again(numbers.start):
            if number in numbers and packet.pts is not None:
                yield number, packet.pts
            if number >= numbers.stop - 1:
                break

    def _demux(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[Packet]:
        """The packets up to the end, or to where the file is broken."""
        is_at_end = False
        while not is_at_end:
            try:
                for packet in container.demux(stream):
                    if packet.size:
                        yield packet
                    elif packet.dts is not None:  # it repeats the frame before
                        self.table.empty += 1
                is_at_end = True
            except IndexError:  # PyAV: a stream of which the header knows nothing
                continue
            except (av.error.FFmpegError, OSError):
                self.table.errors += 1
                is_at_end = True

    def _read_again(self, start: int) -> Iterator[tuple[int, Packet]]:
        """Numbers and packets from one or from one before it, of the file.

        Raises:
            ChangedFileError: if it is not the file that was opened.
        """
        check_stamp(self._file, self._stamp)
        if self._process != os.getpid():  # its parent reads at the same place
            self.close()
            self._process = os.getpid()
        return self._seek(start) or self._from_start()

    def _from_start(self) -> Iterator[tuple[int, Packet]]:
        self.close()
        assert isinstance(self._file, str)
        self._again = open_container(self._file)
        stream = only_video(self._again, self._index)
        return enumerate(self._demux(self._again, stream))

    def _seek(self, start: int) -> Optional[Iterator[tuple[int, Packet]]]:
        """From ``start`` or before; None where the container misleads."""
        time = self.table.dts[start]
        if start == 0 or time == NO_TIME:
            return None
        if self._again is None:
            self._from_start()
        container = self._again
        assert container is not None
        stream = cast(VideoStream, container.streams[self._index])
        with suppress(av.error.FFmpegError, OSError):
            container.seek(time, stream=stream)
            packets = self._demux(container, stream)
            for packet in packets:
                number = self._number_of(packet)
                if number > start:
                    return None
                if number >= 0:
                    return chain([(number, packet)], enumerate(packets, number + 1))
        return None

    def _number_of(self, packet: Packet) -> int:
        """Of a packet that was read again; -1 if several look like it."""
        table = self.table
        if not self._places:
            shown = repeat(0) if table.is_of_index else table.pts
            for number, mark in enumerate(zip(table.dts, shown, table.sizes)):
                self._places[mark] = -1 if mark in self._places else number
        times = [NO_TIME if t is None else t for t in (packet.dts, packet.pts)]
        if table.is_of_index:
            times[1] = 0
        return self._places.get((*times, packet.size), -1)
