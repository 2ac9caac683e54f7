"""Converting a list of the BIKE authors to a list that the configs read.

What ``bike convert-list`` does.
"""

from typing import NamedTuple, Optional

from ..files import without_video_extension, write_lines
from ..terminal import say
from .annotation import AnnotationList, make_list, write_missing
from .catalog import FRAMES, DatasetInfo, find_dataset
from .class_labels import ClassLabels
from .class_names import load_class_names
from .frame_names import remark_on_frames
from .official import Entry
from .preparing import join_remarks
from .released_lists import ReleasedList, find_segment, name_videos, read_list
from .video_folders import FrameFolder, VideoFolder


class Options(NamedTuple):
    """How a list is converted.

    Attributes:
        path (str): The list to read.
        out (str): The list to write.
        to (str): 'videos' or 'rawframes'.
        extension (str): Of videos whose paths have none.
        videos_root (str, optional): Folder of the videos, to look for them.
        frames_root (str, optional): Folder of the frames, to count them.
        frames (str, optional): Name of frame number i; None: one of those
            that are known.
        min_frames (int): What has fewer frames is left out.
        class_names (str, optional): Their classes in the order of labels.
        dataset (str, optional): Whose labels they are or become.
        split (int, optional): Of the classes of the data set.
    """

    path: str
    out: str
    to: str
    extension: str = '.mp4'
    videos_root: Optional[str] = None
    frames_root: Optional[str] = None
    frames: Optional[str] = None
    min_frames: int = 0
    class_names: Optional[str] = None
    dataset: Optional[str] = None
    split: Optional[int] = None


def translate(entries: list[Entry], theirs: list[str], ours: list[str]) -> list[Entry]:
    """Give entries the labels that their classes have here.

    Args:
        entries (list[Entry]): With labels in the order of ``theirs``.
        theirs (list[str]): Class names.
        ours (list[str]): Class names, maybe more and in another order.

    Raises:
        ValueError: if a class has no counterpart or two have the same, or a
            label has no class.
    """
    labels = ClassLabels(ours)
    order = [labels.find(name, '--class-names') for name in theirs]
    for number, label in enumerate(order):
        other = order.index(label)
        if other != number:
            raise ValueError(
                f'--class-names: {theirs[other]!r} and '
                f'{theirs[number]!r} both stand for the class '
                f'{ours[label]!r}'
            )
    check_labels(entries, len(order), '--class-names')
    moved = sum(label != i for i, label in enumerate(order))
    say(
        f'labels translated, {moved} of {len(order)} classes have another number here'
        if moved
        else 'labels kept: the classes are in the same order (identity)'
    )
    return [e._replace(labels=(order[e.labels[0]],)) for e in entries]


def check_labels(entries: list[Entry], num_classes: int, what: str) -> None:
    """Raise if a label is not below ``num_classes``.

    Raises:
        ValueError: names the entry and what has the classes.
    """
    for entry in entries:
        if entry.labels[0] >= num_classes:
            raise ValueError(
                f"'{entry.names[0]}' has label {entry.labels[0]},"
                f' but {what} has {num_classes} classes'
            )


def check_segments(
    options: Options, source: ReleasedList, info: Optional[DatasetInfo]
) -> bool:
    """Whether the list names trimmed segments.

    Raises:
        ValueError: if it does, and the new list cannot.
    """
    name = find_segment(source.entries, info)
    if name and options.to == 'videos':
        raise ValueError(
            f"'{source.path}' names trimmed segments such as '{name}', of "
            'which there are no video files; `bike prepare` '
            f'{options.dataset or "activitynet"} writes a list of the segments '
            'from the official annotation'
        )
    if name and not info:
        raise ValueError(
            f"'{name}' in '{source.path}' looks like a segment of a video of "
            'ActivityNet, which lists name in another form: give --dataset '
            'activitynet, or the one that it is of'
        )
    return name is not None


def make_lines(
    options: Options, source: ReleasedList, folder: Optional[FrameFolder]
) -> AnnotationList:
    """The lines of the new list, as far as its videos are long enough.

    Args:
        options (Options): How it is converted.
        source (ReleasedList): The entries, with their new names and labels.
        folder (FrameFolder, optional): The frames to count.
    """
    if folder is not None:
        written = make_list(source.entries, folder)
        long = [x for x in written.lines if int(x.split()[1]) >= options.min_frames]
        left_out = len(written.lines) - len(long)
        written = written._replace(lines=long)
    elif source.totals:
        kept = source.with_frames(options.min_frames)
        left_out = len(source.entries) - len(kept.entries)
        written = without_frames(options, kept)
    elif options.to == 'rawframes' or options.min_frames:
        raise ValueError(
            f"'{source.path}' has no numbers of frames: give "
            '--frames-root to count them'
        )
    else:
        written, left_out = without_frames(options, source), 0
    short = f'left out, fewer than {options.min_frames} frames'
    return written._replace(remarks={**written.remarks, short: left_out})


def frame_folder(options: Options) -> Optional[FrameFolder]:
    """The frames on disk, where they are to be counted."""
    if not options.frames_root:
        return None
    expected = find_dataset(options.dataset or 'kinetics400').frames
    templates = (
        [options.frames]
        if options.frames
        else sorted(FRAMES, key=lambda template: template != expected)
    )
    return FrameFolder(options.frames_root, templates)


def without_frames(options: Options, source: ReleasedList) -> AnnotationList:
    """The lines, where no frames are to be counted."""
    if options.videos_root:
        return make_list(source.entries, VideoFolder(options.videos_root))
    lines = []
    for i, (names, labels, _) in enumerate(source.entries):
        path = names[-1]
        if options.to == 'rawframes':
            path += f' {source.totals[i]}'
        elif path == without_video_extension(path):
            path += options.extension
        lines.append(f'{path} {labels[0]}')
    return AnnotationList(lines, [], {}, len(lines))


def change_labels(options: Options, entries: list[Entry]) -> list[Entry]:
    """Translate the labels as the options say, or check them."""
    if options.class_names and options.dataset:
        source = find_dataset(options.dataset).classes(options.split)
        return translate(
            entries,
            load_class_names(options.class_names, '--class-names'),
            load_class_names(source, '--dataset'),
        )
    if options.dataset:
        check_labels(
            entries,
            find_dataset(options.dataset).num_classes,
            f'--dataset {options.dataset}',
        )
    return entries


def convert(options: Options) -> None:
    """Read, convert, write and report.

    Raises:
        OSError: if a file is absent.
        ValueError: if one is malformed, labels do not fit, or no line is left.
    """
    info = find_dataset(options.dataset) if options.dataset else None
    source = read_list(options.path)
    segments = check_segments(options, source, info)
    entries = change_labels(options, source.entries)
    if options.to == 'videos' and source.totals:
        entries = name_videos(entries, info)
    folder = frame_folder(options)
    written = make_lines(options, source._replace(entries=entries), folder)
    remarks = join_remarks(written.remarks)
    if not written.lines:
        raise ValueError(
            'nothing left for the list: no video found in '
            f"'{options.videos_root or options.frames_root or options.path}'; "
            f"expected such as '{entries[0].names[-1]}'{remarks}"
        )
    lines = [line.split() for line in written.lines]
    if segments:  # frames of their own, from the first one on
        lines = [[path, '0', *rest] for path, *rest in lines]
    write_lines(options.out, map(' '.join, lines))
    write_missing(options.out, written.missing)
    say(
        f'{options.out}: {len(lines)} of {len(entries)} lines; '
        f'{len(written.missing)} missing on disk{remarks}'
    )
    if options.to == 'rawframes':
        template = options.frames if folder is None else folder.template
        say(describe_frames(template, info))


def describe_frames(template: Optional[str], info: Optional[DatasetInfo]) -> str:
    """How frames are called, or should be, and what to do otherwise."""
    if info and template and template != info.frames:
        return remark_on_frames(template, info.frames)
    known = template or (info and info.frames)
    name = f"frames are to be called '{known}'; " if known else ''
    return (
        f'{name}where a config expects other names of frames than there '
        'are, give tools/train.py and test.py --frames TEMPLATE'
    )
