"""Writing the lists that configs read, from the official annotation files.

What ``bike prepare`` does. Where the videos lie: see its help.
"""

import os.path as osp
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..files import VIDEO_EXTENSIONS, without_video_extension, write_lines
from ..terminal import say
from .annotation import make_list, write_missing
from .catalog import FRAMES, DatasetInfo
from .class_labels import ClassLabels
from .frame_names import remark_on_frames
from .official import OfficialList, official_class_names, read_official
from .video_folders import FrameFolder, VideoFolder


class Plan(NamedTuple):
    """A list to write: its path, its content, and where the videos lie."""

    path: str
    content: OfficialList
    root: str


def plan(
    info: DatasetInfo,
    annotations: str,
    data_root: str,
    kind: str,
    splits: Optional[Sequence[int]],
) -> list[Plan]:
    """Read the official files of all lists."""
    wanted = [
        (part, split)
        for split in splits or info.splits or (None,)
        for part in info.parts
        if part != 'full'
    ]
    if 'full' in info.parts and not splits:
        wanted.append(('full', None))
    plans, labels = [], {}
    for part, split in wanted:
        # Raises if there is no such split, before a file is read.
        path = osp.join(data_root, info.list_name(part, split, kind))
        if split not in labels:
            labels[split] = ClassLabels(official_class_names(info, annotations, split))
        content = read_official(info, annotations, part, split, labels[split])
        root = osp.join(data_root, info.folder(part, kind))
        plans.append(Plan(path, content, root))
    return plans


def write(planned: Plan, folder: VideoFolder) -> bool:
    """Write a list and report on it; False if none of its videos is on disk."""
    written = make_list(planned.content.entries, folder)
    remarks = join_remarks({**planned.content.remarks, **written.remarks})
    if not written.lines:
        older = '; an older one is still there' if osp.exists(planned.path) else ''
        say(
            f'{planned.path}: not written, nothing found in '
            f"'{planned.root}'{remarks}{older}"
        )
        return False
    write_lines(planned.path, written.lines)
    count = f'{written.videos} videos'
    if len(written.lines) != written.videos:
        count = f'{len(written.lines)} segments of {count}'
    say(f'{planned.path}: {count}; {len(written.missing)} missing on disk{remarks}')
    write_missing(planned.path, written.missing)
    return True


def join_remarks(remarks: dict[str, int]) -> str:
    """How many entries of which kind, for the end of a message."""
    return ''.join(f'; {number} {what}' for what, number in remarks.items() if number)


def open_folder(
    info: DatasetInfo, root: str, kind: str, frames: Optional[str], fps: Optional[float]
) -> VideoFolder:
    """Search a folder of videos or of frames.

    Args:
        info (DatasetInfo): The data set.
        root (str): The folder.
        kind (str): 'videos' or 'rawframes'.
        frames (str, optional): Name of frame number i; None: one of those
            that are known.
        fps (float, optional): Of extracted frames; None: the usual.
    """
    if kind == 'videos':
        return VideoFolder(root, info.shortest)
    templates = (
        [frames]
        if frames
        else sorted(FRAMES, key=lambda template: template != info.frames)
    )
    return FrameFolder(root, templates, fps or info.fps, info.shortest)


# Longer than others for its arguments.
def prepare(
    info: DatasetInfo,
    annotations: str,
    data_root: str,
    kind: str,
    splits: Optional[Sequence[int]] = None,
    frames: Optional[str] = None,
    fps: Optional[float] = None,
) -> bool:
    """Write all lists of a data set.

    Args:
        info (DatasetInfo): The data set.
        annotations (str): Folder of the official files.
        data_root (str): Folder of the videos and the lists.
        kind (str): 'videos' or 'rawframes'.
        splits (Sequence[int], optional): Numbers of the official splits;
            None: all, and the list of all videos.
        frames, fps: See :func:`open_folder`.

    Returns:
        bool: Whether all lists that exist now are new.

    Raises:
        OSError: if a file is absent.
        ValueError: if one is malformed, or no video is found at all.
    """
    plans = plan(info, annotations, data_root, kind, splits)
    roots = dict.fromkeys(planned.root for planned in plans)
    folders = {root: open_folder(info, root, kind, frames, fps) for root in roots}
    left_out = [
        planned for planned in plans if not write(planned, folders[planned.root])
    ]
    if len(left_out) == len(plans):
        names = [e.names[0] for p in plans for e in p.content.entries]
        raise ValueError(
            f'no video found in {" and ".join(map(repr, folders))}; expected '
            f'{expected(kind, frames or info.frames, (names or ["?"])[0])}'
        )
    if info.name == 'kinetics600':  # the configs read them from there
        write_class_names(info, annotations, data_root)
    remark_on_folders(folders, info)
    return not any(osp.exists(planned.path) for planned in left_out)


def remark_on_folders(folders: dict[str, VideoFolder], info: DatasetInfo) -> None:
    """Print where frames are called otherwise than the configs expect."""
    for root, folder in folders.items():
        if isinstance(folder, FrameFolder):
            remark = remark_on_frames(folder.template, info.frames)
            if remark:
                say(f'{root}: {remark}')


def write_class_names(info: DatasetInfo, annotations: str, data_root: str) -> None:
    """The official class names as a file, which configs read."""
    names = official_class_names(info, annotations)
    path = osp.join(data_root, 'class_names.txt')
    write_lines(path, names)
    say(f'{path}: {len(names)} classes')


def expected(kind: str, frames: str, name: str) -> str:
    """What a video may be called, for a message."""
    stem = without_video_extension(name)
    if kind == 'videos':
        extensions = ', '.join(VIDEO_EXTENSIONS)
        return f"files such as '{stem}{VIDEO_EXTENSIONS[0]}' (one of {extensions})"
    frame = frames.replace('{video}', osp.basename(stem)).format(1)
    return f"frames such as '{stem}/{frame}' (other names: --frames TEMPLATE)"
