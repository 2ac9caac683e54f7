"""Lists of the BIKE authors: frame folders and segments by other names."""

import os.path as osp
import re
from typing import NamedTuple, Optional

from ..text_files import read_lines, shorten
from .catalog import CATALOG, DatasetInfo
from .official import Entry


class ReleasedList(NamedTuple):
    """A list of videos with a label each.

    Attributes:
        path (str): Of the file.
        entries (list[Entry]): The videos, or folders of frames.
        totals (list[int]): Their numbers of frames; [] where it has none.
    """

    path: str
    entries: list[Entry]
    totals: list[int]

    def with_frames(self, least: int) -> 'ReleasedList':
        """Those with at least so many frames."""
        kept = [i for i, total in enumerate(self.totals) if total >= least]
        return self._replace(
            entries=[self.entries[i] for i in kept],
            totals=[self.totals[i] for i in kept],
        )


def read_list(path: str) -> ReleasedList:
    """Read a list of videos with a label each.

    Args:
        path (str): Lines ``path label`` or ``path frames label``; all lines
            of a file alike.

    Raises:
        OSError: if it cannot be read.
        ValueError: if a line is malformed; names file and line.
    """
    rows: list[list[str]] = []
    for number, line in read_lines(path):
        fields = line.split()
        if not re.fullmatch(r'\S+( [0-9]{1,18}){1,2}', ' '.join(fields)) or (
            rows and len(rows[0]) != len(fields)
        ):
            raise ValueError(
                f"'{path}' line {number}: expected 'path label' or 'path "
                "frames label', the same in all lines, got "
                f'{shorten(line)}{_hint(path, line)}'
            )
        rows.append(fields)
    if not rows:
        raise ValueError(f"'{path}' is empty")
    entries = [Entry((row[0],), (int(row[-1]),)) for row in rows]
    totals = [int(row[1]) for row in rows if len(row) == 3]
    return ReleasedList(path, entries, totals)


def _hint(path: str, line: str) -> str:
    """What else it may be: an official file, as theirs of Charades are."""
    if not path.lower().endswith('.csv') and line.count(',') < 2:
        return ''
    return (
        '. Official csv files, such as those of Charades, are read by '
        "`bike prepare`: 'bike prepare charades --annotations "
        f"{osp.dirname(path) or '.'}'"
    )


def find_segment(entries: list[Entry], info: Optional[DatasetInfo]) -> Optional[str]:
    """The name of a trimmed segment, such as ``v_<id>_0``, if there is one.

    Args:
        entries (list[Entry]): Those of a list.
        info (DatasetInfo, optional): The data set. Defaults to None: only
            segments of ActivityNet are told by their names.
    """
    video = info.video_id if info else CATALOG['activitynet'].video_id
    if not video:
        return None
    for entry in entries:
        name = osp.basename(entry.names[0].rstrip('/'))
        whole = re.fullmatch(video, name)
        if (
            not whole
            and re.fullmatch(f'(?:{video})_\\d+', name)
            and (info or name.startswith('v_'))
        ):
            return entry.names[0]
    return None


def name_videos(entries: list[Entry], info: Optional[DatasetInfo]) -> list[Entry]:
    """Give folders of frames the usual names of their videos, too.

    Of the folders above, only that of a class is also one of videos; it is
    told by all of its videos having the same label.

    Args:
        entries (list[Entry]): Such as ``/data/frames/YoYo/v_YoYo_g01_c01``.
        info (DatasetInfo, optional): The data set; some have no folders of
            classes. Defaults to None: any.

    Returns:
        list[Entry]: With a second name, such as ``YoYo/v_YoYo_g01_c01``.
    """
    labels: dict[str, set[tuple]] = {}
    paths = [osp.split(entry.names[0].rstrip('/')) for entry in entries]
    for (folder, _), entry in zip(paths, entries):
        labels.setdefault(folder, set()).add(entry.labels)
    flat = bool(info and info.video_id)
    return [
        entry._replace(
            names=(
                entry.names[0],
                name
                if flat or len(labels[folder]) > 1
                else osp.join(osp.basename(folder), name),
            )
        )
        for (folder, name), entry in zip(paths, entries)
    ]
