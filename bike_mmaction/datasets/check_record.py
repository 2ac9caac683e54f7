"""What is checked already, so that a check that was stopped goes on."""

import os
from collections.abc import Sequence
from typing import Any, Optional

from ..files import source_of
from ..shards import ShardError, find_member

# Size and time of change, or CRC-32 in tar files; None where nothing is.
Stamp = Optional[list[int]]


def stamp_of(info: dict) -> Stamp:
    """By what it shows that the file of an entry has changed.

    Of a folder of frames that is when names in it came or went.
    """
    source = source_of(info)
    try:
        place = find_member(source)
        if place is not None:
            return [place[1].size, place[1].crc]
        stat = os.stat(source)
    except (OSError, ShardError):
        return None
    return [stat.st_size, stat.st_mtime_ns]


class CheckRecord:
    """Verdicts of a check, kept in a :class:`.Journal`.

    Args:
        journal (Journal): Where they are kept; this room stands below it.
        infos (Sequence[dict]): What the data set knows of each entry.
        settings (dict): What a verdict follows from, beside the files.
    """

    def __init__(self, journal: Any, infos: Sequence[dict], settings: dict) -> None:
        self._journal, self._infos = journal, infos
        # Under no name that exists: the list of another check stays.
        nothing = os.path.join(journal.folder, 'list')
        journal.begin(nothing, settings, lambda _: {}, overwrite=True)

    def verdicts(self) -> dict[int, list]:
        """Those that still count, by the numbers of their entries."""
        records = self._journal.find(len(self._infos))
        done = records.is_done.nonzero()[0].tolist()
        return {
            record['index']: record['verdict']
            for record in records.read(done)
            if record['stamp']
            and record['stamp'] == stamp_of(self._infos[record['index']])
        }

    def add(self, number: int, verdict: Sequence, stamp: Stamp) -> None:
        """Keep one."""
        record = dict(index=number, verdict=list(verdict), stamp=stamp)
        self._journal.append([record])
