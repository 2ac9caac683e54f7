"""From clips as people have them to a data folder that can be trained on."""

import dataclasses
import os
import os.path as osp
import re
from collections.abc import Sequence
from typing import Optional, Union

from mmengine.config import Config

from ...datasets.class_names import load_class_names
from ...datasets.clip_choice import (
    each_once,
    listable,
    usable_clips,
    with_one_label,
    without_labels,
)
from ...datasets.clip_files import by_file, digests_of, look_at_files
from ...datasets.layouts import Clip, ReadingOptions, read_sources
from ...datasets.pipeline_access import own_dataset
from ...datasets.splitting import split_clips
from ...shipped import DEFAULT_CONFIG
from ...video import TIME_LIMIT
from ..building import read_config
from .classes import keep_classes, name_classes, why, with_known_classes
from .clips import OwnData, split_by
from .counts import summarize
from .folder import check_free, earlier_model, write_data_folder

SHARES = (0.7, 0.15, 0.15)


# long: for its arguments and their description
def prepare_data(
    sources: Union[str, Sequence[str]],
    out: str,
    *,
    base: Optional[str] = None,
    pretrained: Optional[str] = None,
    root: Optional[str] = None,
    classes: Union[str, Sequence[str], None] = None,
    path_column: Optional[str] = None,
    label_column: Optional[str] = None,
    group_column: Optional[str] = None,
    group_by: Optional[str] = None,
    separator: str = ';|',
    frame_rate: Optional[float] = None,
    multi_label: Optional[bool] = None,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    min_frames: int = 1,
    full: bool = False,
    workers: int = 2,
    time_limit: Optional[float] = TIME_LIMIT,
    overwrite: bool = False,
) -> OwnData:
    """Make a data folder of clips: lists, class names, a config, a picture.

    Every file is opened; what cannot be used is named in the result and in
    ``data.json``, nothing is left out silently.

    Args:
        sources (str | Sequence[str]): A folder with a folder for each class,
            with ``train``, ``val`` and ``test`` above them or without;
            several folders that are a class each; tables with the columns
            ``path,label`` or ``path,start,end,label``; exports of Label
            Studio (.json) or CVAT (.xml, .zip); lists of MMAction2 (.txt).
        out (str): The data folder; it is made.
        base (str, optional): A config that is trained, a file or a shipped one.
            Defaults to None: with ``overwrite`` that of the earlier call, with its
            weights; else CLIP ViT-B/16.
        pretrained (str, optional): Weights of CLIP. Defaults to None: those
            that ``base`` names.
        root (str, optional): Folder that relative paths begin in; others are
            left out. Defaults to None: that of the source, or of the process.
        classes (str | Sequence[str], optional): Names of the classes to use,
            in their order: a file or a list. Defaults to None: all.
        path_column, label_column, group_column (str, optional): Of tables.
        group_by (str, optional): A regular expression that finds in a path
            what clips of one recording have in common.
        separator (str): Signs that part several labels in a table.
        frame_rate (float, optional): By which Label Studio counts frames.
        multi_label (bool, optional): Whether a clip may have several labels.
            Defaults to None: it may if one has.
        shares (Sequence[float]): Of train, val and test, which sum to 1.
        seed (int): Of the split. Defaults to 0.
        min_frames (int): Clips with fewer are left out. Defaults to 1.
        full (bool): Whether to decode every frame. Defaults to False.
        workers (int): Processes that look at files. Defaults to 2.
        time_limit (float, optional): Seconds for a file. Defaults to 60.
        overwrite (bool): Whether files of an earlier call are replaced; a
            ``config.py`` that was changed stays. Defaults to False.

    Returns:
        OwnData: What was found and written.

    Raises:
        OSError: if something cannot be read or written.
        ValueError: if a source is not what it should be, or there are no two
            classes with clips, or none to train on.
    """
    kept = check_free(osp.abspath(out), overwrite)
    earlier = earlier_model(out) if overwrite and base is None else {}
    base = base or earlier.get('base') or DEFAULT_CONFIG
    pretrained = pretrained or earlier.get('pretrained')
    data = OwnData(osp.abspath(out), read_base(base))
    if earlier:
        data.remarks.append(f'the model is that of the earlier call: {base}')
    asked = load_class_names(classes, 'classes') if classes is not None else None
    options = ReadingOptions(
        root, path_column, label_column, group_column, separator, frame_rate, asked
    )
    sources = [sources] if isinstance(sources, (str, os.PathLike)) else sources
    sources = [os.fspath(one) for one in sources]
    data.settings = dict(
        sources=sources,
        base=base,
        pretrained=pretrained,
        seed=seed,
        shares=list(shares),
        group_by=group_by,
        min_frames=min_frames,
        full=full,
        multi_label=multi_label,
        **dataclasses.asdict(options),
    )
    data.readings = read_sources(sources, options)
    clips = _gather(data, group_by)
    name_classes(data, clips, asked)
    clips = with_known_classes(data, clips, asked)
    data.facts = look_at_files(by_file(clips), full, workers, time_limit)
    _choose(data, clips, multi_label, min_frames, workers)
    keep_classes(data, asked is not None)
    _split(data, shares, seed)
    summarize(data)
    write_data_folder(data, kept, workers, time_limit)
    return data


def read_base(base: str) -> Config:
    """The config to begin with.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it reads no video files.
    """
    cfg = read_config(base)
    dataset = own_dataset(cfg, 'train')
    if 'video' not in (dataset.get('data_prefix') or {}):
        raise ValueError(
            f"base '{base}': train_dataloader has a {dataset['type']}, which reads no "
            'video files'
        )
    return cfg


def _gather(data: OwnData, group_by: Optional[str]) -> list[Clip]:
    """The clips of all sources, with their recordings."""
    clips = []
    for reading in data.readings:
        # the data folder itself, where it lies among the classes
        if osp.dirname(data.out) == reading.root and not osp.islink(data.out):
            used = {label for clip in reading.clips for label in clip.labels}
            own = osp.basename(data.out)
            reading.classes = [n for n in reading.classes if n != own or n in used]
        data.left_out += reading.left_out
        data.remarks += reading.remarks
        for clip in reading.clips:
            relative = osp.relpath(clip.path, reading.root)
            clips.append(_grouped(clip, relative, group_by))
    if group_by and clips and not any(clip.group for clip in clips):
        raise ValueError(
            f"group_by: '{group_by}' is found in no path, such as '{clips[0].path}'"
        )
    return clips


def _grouped(clip: Clip, relative: str, group_by: Optional[str]) -> Clip:
    match = re.search(group_by, relative) if group_by else None
    if match is None or clip.group:
        return clip
    return clip._replace(group=match[1] if match.groups() else match[0])


def _choose(
    data: OwnData,
    clips: Sequence[Clip],
    multi_label: Optional[bool],
    min_frames: int,
    workers: int,
) -> None:
    """Keep the clips that can be used, each once."""
    good = sorted(p for p, fact in data.facts.items() if fact.verdict.usable)
    digests = digests_of(good, workers)
    # in an order that does not follow from how the sources are listed
    ordered = sorted(clips, key=lambda clip: clip.path)
    usable, left_out = usable_clips(
        ordered, data.facts, digests, data.names, min_frames
    )
    data.left_out += left_out
    several = sum(len(clip.labels) > 1 for clip in usable)
    data.multi_label = bool(several) if multi_label is None else multi_label
    if several and data.multi_label:
        data.remarks.append(
            f'{several} of {len(usable)} clips have several labels, so that a clip may '
            'have several, or none (--one-label leaves such clips out)'
        )
    if not data.multi_label:
        usable, left_out = without_labels(usable)
        data.left_out += left_out
        usable, left_out = with_one_label(usable)
        data.left_out += left_out
    usable, left_out = each_once(usable, data.multi_label)
    data.left_out += left_out
    usable, left_out = listable(usable)
    data.left_out += left_out
    data.clips = usable


def _split(data: OwnData, shares: Sequence[float], seed: int) -> None:
    """Part the clips.

    Raises:
        ValueError: if none is left to train on.
    """
    data.parts = split_clips([split_by(clip) for clip in data.clips], shares, seed)
    if 'train' not in data.parts:
        parts = ' and '.join(sorted(set(data.parts)))
        data.parts = []
        raise ValueError(
            f'all {len(data.clips)} clips are given to {parts}, none is left to train '
            f'on: {why(data)}'
        )
