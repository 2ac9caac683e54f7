"""A folder for each class, with folders train, val and test above or without."""

import os
import os.path as osp
from collections import Counter
from collections.abc import Iterator, Sequence

from ...files import has_extension
from ..video_table import videos_below
from .clips import Clip, Reading, ReadingOptions, part_of

KIND = 'folders of classes'
LOOSE = 'in no folder of a class'
IMAGES = ('.jpg', '.jpeg', '.png')
_OF_SYSTEMS = ('__MACOSX', '@eaDir', 'lost+found')


def read_folder(folder: str, options: ReadingOptions) -> Reading:
    """Read a folder of folders.

    Where all of these are called as parts of a data set are, and have no
    videos themselves, the classes are inside of them.

    Raises:
        OSError: if a folder cannot be read.
        ValueError: if there are no folders with videos.
    """
    root = osp.abspath(folder)
    reading = Reading(KIND, root)
    names = inner_folders(root)
    parts = {name: part_of(name) for name in names}
    if names and all(parts.values()) and not any(_videos_in(root, n) for n in names):
        for name, part in parts.items():
            _read_classes(reading, osp.join(root, name), part)
        _tell_loose(reading, root)
        reading.kind = f'{KIND}, in {", ".join(names)}'
    else:
        _read_classes(reading, root, '')
    _tell_others(reading, root)
    if not reading.clips:
        raise ValueError(_why_empty(folder, names))
    reading.classes = list(dict.fromkeys(reading.classes))
    return reading


def read_class_folder(folder: str, options: ReadingOptions) -> Reading:
    """Read a folder that is itself a class, as `bike data clips/*` gives them."""
    path = osp.abspath(folder)
    reading = Reading(KIND, osp.dirname(path), classes=[osp.basename(path)])
    _read_class(reading, path, '')
    _tell_others(reading, path)
    return reading


def class_folders(folders: Sequence[str]) -> set[str]:
    """Those of several folders that are a class each, as of ``clips/*``.

    They have no folders in them, or lie beside one that has videos alone.
    """
    if len(folders) < 2:
        return set()
    flat = [folder for folder in folders if not inner_folders(folder)]
    above = {_above(folder) for folder in flat if _videos_in(folder, '')}
    return {*flat, *(folder for folder in folders if _above(folder) in above)}


def _above(folder: str) -> str:
    return osp.dirname(osp.abspath(folder))


def _read_classes(reading: Reading, folder: str, part: str) -> None:
    for name in inner_folders(folder):
        reading.classes.append(name)
        _read_class(reading, osp.join(folder, name), part)
    _tell_loose(reading, folder)


def _read_class(reading: Reading, folder: str, part: str) -> None:
    label = osp.basename(folder)
    for path in videos_below(folder):
        place = osp.relpath(path, reading.root)
        reading.clips.append(Clip(path, (label,), part=part, place=place))


def _tell_loose(reading: Reading, folder: str) -> None:
    for name in _videos_in(folder, ''):
        reading.leave_out(LOOSE, osp.relpath(osp.join(folder, name), reading.root))


def _videos_in(folder: str, name: str) -> list[str]:
    inner = osp.join(folder, name)
    return [
        file
        for file in sorted(os.listdir(inner))
        if has_extension(file) and not osp.isdir(osp.join(inner, file))
    ]


def inner_folders(folder: str) -> list[str]:
    """Names of the folders in a folder, but for those of systems and hidden ones."""
    return [
        name
        for name in sorted(os.listdir(folder))
        if osp.isdir(osp.join(folder, name))
        and not name.startswith('.')
        and name not in _OF_SYSTEMS
    ]


def _tell_others(reading: Reading, root: str) -> None:
    """Say how many files are no videos, by their extension."""
    counts = Counter(
        osp.splitext(name)[1].lower() or name
        for name in _file_names(root)
        if not has_extension(name) and not name.startswith('.')
    )
    if counts:
        kinds = ', '.join(f'{n} {kind}' for kind, n in counts.most_common(5))
        reading.remarks.append(
            f"{sum(counts.values())} files in '{root}' are no videos ({kinds})"
        )


def _file_names(root: str) -> Iterator[str]:
    for _, _, names in os.walk(root):
        yield from names


def _why_empty(folder: str, names: list[str]) -> str:
    expected = "expected a folder for each class with videos in it, such as 'run/1.mp4'"
    if any(name.lower().endswith(IMAGES) for name in _file_names(folder)):
        return (
            f"'{folder}' has images and no videos in folders: {expected}; make videos "
            'of the frames, such as by ffmpeg'
        )
    if _videos_in(folder, ''):
        return f"'{folder}' has videos, but no folder with videos: {expected}"
    what = f'the folders {", ".join(names[:3])}, but no videos' if names else 'nothing'
    return f"'{folder}' has {what}: {expected}"
