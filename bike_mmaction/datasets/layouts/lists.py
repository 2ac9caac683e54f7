"""MMAction2's lists: ``path label...``, or ``path start end label`` for segments."""

import os.path as osp
import re
from collections.abc import Sequence
from typing import Optional

from ...errors import TextError
from ...files import has_extension
from ...text_files import PATHS, read_lines, shorten
from ..class_names import load_class_names
from .clips import Clip, Reading, ReadingOptions, part_of
from .paths import choose_root, place_path

KIND = 'list of MMAction2'
CLASS_FILES = ('classes.txt', 'class_names.txt', 'labels.txt')
_LINE = re.compile(r'(.+?)((?:\s+-?\d+(?:\.\d+)?)*)')
Line = tuple[str, list[str], str]


def read_clip_list(path: str, options: ReadingOptions) -> Reading:
    """Read a list of videos.

    Labels are numbers, so that the names of the classes are needed, of the
    options or of a file beside the list. A word of the file's name says which
    part it is, such as ``ucf101_train_split1.txt``.

    Raises:
        ValueError: if nothing tells the names.
        TextError: if a line is of another form; names it.
    """
    names = options.classes or _names_beside(path)
    lines = [_read_line(path, number, line) for number, line in _lines(path)]
    has_segments = bool(lines) and all(len(numbers) == 3 for _, numbers, _ in lines)
    has_segments &= any('.' in n for _, numbers, _ in lines for n in numbers)
    root = choose_root([name for name, _, _ in lines], path, options.root)
    reading = Reading(KIND, root, classes=list(names))
    words = re.split('[^a-z]+', osp.splitext(osp.basename(path))[0].lower())
    part = next(filter(None, map(part_of, words)), '')
    for line in lines:
        _read_clip(reading, line, has_segments, part, options)
    return reading


def _lines(path: str):
    return read_lines(path, errors=PATHS)


def _names_beside(path: str) -> Sequence[str]:
    folder = osp.dirname(osp.abspath(path))
    for name in CLASS_FILES:
        if osp.isfile(osp.join(folder, name)):
            return load_class_names(osp.join(folder, name))
    raise ValueError(
        f"'{path}' has numbers for labels, and there is no {' or '.join(CLASS_FILES)} "
        'beside it: name the classes by --classes FILE, a name a line'
    )


def _read_line(path: str, number: int, line: str) -> Line:
    match = _LINE.fullmatch(line)
    if not match or not has_extension(match[1]):
        raise TextError(
            f"'{path}' line {number}: expected 'path/video.mp4 label', or 'path start "
            f"end label' with seconds, got {shorten(line)}"
        )
    return match[1], match[2].split(), f"'{path}' line {number}"


def _read_clip(
    reading: Reading, line: Line, has_segments: bool, part: str, options: ReadingOptions
) -> None:
    name, numbers, place = line
    start: Optional[float] = None
    end: Optional[float] = None
    if has_segments:
        start, end = float(numbers[0]), float(numbers[1])
        numbers = numbers[2:]
        if not 0 <= start < end:
            reading.leave_out('no time range', name, f'{place}: {start:g} to {end:g}')
            return
    labels = []
    for number in numbers:
        if number == '-1':
            continue  # MMAction2's for none
        if not number.isdigit() or int(number) >= len(reading.classes):
            known = f'the classes are 0 to {len(reading.classes) - 1}'
            reading.leave_out('label without name', name, f'{place}: {number}; {known}')
            return
        labels.append(reading.classes[int(number)])
    path = place_path(reading, name, place, options.root is not None)
    if path:
        clip = Clip(path, tuple(dict.fromkeys(labels)), start, end, '', part, place)
        reading.clips.append(clip)
