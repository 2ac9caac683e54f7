"""In which order the frames of a file are shown, and when."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from .packets import NO_TIME, PacketTable

# Containers that store when each frame is shown. AVI stores none, MPEG-PS a
# few, and what FFmpeg says of raw streams it has guessed.
TIMED = ('mov', 'matroska', 'flv', 'gif', 'mpegts')
# Of these each frame is one packet; in a MPEG-TS it may be two fields.
WHOLE_FRAMES = ('mov', 'matroska', 'flv', 'gif')
TINY = 9  # bytes of a MPEG-4 packet that repeats a frame, or stands for none


@dataclass
class Order:
    """Which packets are shown, and where in the order.

    Attributes:
        shown (Sequence[int]): The packet of each frame, in the order in which
            a player shows them.
        places (Sequence[int]): Of each packet, a number that grows as frames
            are shown, also of those that are decoded only.
        keys (list[int]): Packets that decoding can start at, ascending.
    """

    shown: Sequence[int]
    places: Sequence[int]
    keys: list[int]

    def start_for(self, number: int, back: int = 0) -> int:
        """Where to start decoding for a packet.

        A frame that is decoded after a keyframe, but shown before it, may
        refer to the frames before that keyframe.

        Args:
            number (int): The packet.
            back (int): How many keyframes earlier than needed. Defaults to 0.
        """
        for key in reversed(self.keys[: bisect_right(self.keys, number)]):
            if self.places[key] <= self.places[number]:
                if not back:
                    return key
                back -= 1
        return 0

    def refers_back(self) -> bool:
        """Whether frames are shown before the keyframe they are decoded after.

        An open group of pictures, but for the first one.
        """
        latest = -1
        keys = iter([*self.keys[1:], len(self.places)])
        key = next(keys)
        for number in sorted(self.shown):
            if number >= key:
                latest, key = key, next(keys)
            if latest >= 0 and self.places[number] < self.places[latest]:
                return True
        return False


def order_by_times(table: PacketTable, container: str, codec: str) -> Optional[Order]:
    """The order that a container tells; None if it cannot be relied on.

    Args:
        table (PacketTable): Of the whole stream.
        container (str): FFmpeg's name of the format.
        codec (str): FFmpeg's name of the decoder.
    """
    numbers = range(len(table))
    if container not in TIMED or not numbers or not table.is_key(0):
        return None
    if codec == 'mpeg4' and min(table.sizes) <= TINY:
        return None
    if container == 'mpegts' and any(map(table.is_broken, numbers)):
        return None  # a decoder shows of some what is left
    shown = [n for n in numbers if not table.is_hidden(n) and not table.is_broken(n)]
    times = [table.pts[n] for n in shown]
    if len(set(times)) < len(times) or min(times, default=NO_TIME) == NO_TIME:
        return None
    if min(times) < table.pts[0]:  # what they refer to is not in the file
        return None
    if container == 'mpegts' and any(a >= b for a, b in zip(table.dts, table.dts[1:])):
        return None
    return Order(sorted(shown, key=table.pts.__getitem__), table.pts, table.keys)


def order_by_decoding(
    table: PacketTable, shown: Sequence[int], keys: Iterable[int]
) -> Order:
    """The order in which a decoder has put out the frames.

    Args:
        table (PacketTable): Of the whole stream.
        shown (Sequence[int]): The packet of each frame, as decoded.
        keys (Iterable[int]): Packets whose frames the decoder calls
            keyframes.
    """
    places = array('q', [-1]) * len(table)
    for place, number in enumerate(shown):
        places[number] = place
    return Order(shown, places, sorted(n for n in keys if table.is_key(n)))


def times_of(
    table: PacketTable,
    shown: Sequence[int],
    time_base: float,
    rate: float,
    zero: Optional[float],
) -> np.ndarray:
    """When frames are shown, and when the last one ends, in seconds.

    Where packets are not in the order in which they are shown, their times
    are, once sorted.

    Args:
        table (PacketTable): Of the whole stream.
        shown (Sequence[int]): The packet of each frame.
        time_base (float): Seconds of a unit of the times.
        rate (float): Frames a second, where packets have no times.
        zero (float, optional): The time of the file at which a player starts.
            Defaults to None: that of the first frame.

    Returns:
        np.ndarray: Seconds [N + 1], ascending, from a player's start on.
    """
    clock = 0.5 / time_base  # a jump back that no reordering makes
    for column in (table.pts, table.dts):
        times = np.array([column[n] for n in shown], np.int64)
        times = _of_one_clock(times, clock) if times.min() != NO_TIME else times
        times = np.sort(times)
        if times[0] != NO_TIME and (np.diff(times) > 0).all():
            break
    else:
        return np.arange(len(shown) + 1) / rate
    seconds = times * time_base
    last = _last_duration(table, shown, seconds, time_base, rate)
    start = seconds[0] if zero is None else min(zero, seconds[0])
    return np.append(seconds, seconds[-1] + last) - start


def _of_one_clock(times: np.ndarray, most: float) -> np.ndarray:
    """Times of files that were joined, as a player shows them: without jumps back.

    Args:
        times (np.ndarray): In the order in which frames are shown.
        most (float): By which times may jump back within a file.
    """
    steps = np.diff(times)
    jumps = steps < -most
    if not jumps.any():
        return times
    steps[jumps] = np.median(steps[steps > 0]) if (steps > 0).any() else 0
    return times[0] + np.append(0, np.cumsum(steps))


def _last_duration(
    table: PacketTable,
    shown: Sequence[int],
    seconds: np.ndarray,
    unit: float,
    rate: float,
) -> float:
    """How long the last frame is shown."""
    if table.durations[shown[-1]] > 0:
        return table.durations[shown[-1]] * unit
    if len(seconds) > 1:
        return float(np.median(np.diff(seconds)))
    return 1 / rate
