"""Writing a data folder, and not losing what somebody has changed in it."""

import os
import os.path as osp
from collections.abc import Sequence
from typing import Optional

from ...datasets.clip_choice import UsableClip, common_root
from ...datasets.clip_files import frames_of
from ...datasets.layouts import PARTS
from ...errors import TextError
from ...files import file_sha256, replaced, write_json, write_lines, write_text
from ...shipped import SCOPE, find_config, name_of_shipped
from ...text_files import read_json
from ...visualization.data_picture import ClassRow, draw_data
from .clips import OwnData
from .counts import content_of, counts_of

CONFIG, CLASSES, ABOUT, PICTURE = 'config.py', 'classes.txt', 'data.json', 'data.png'
NEW_CONFIG = 'config_new.py'
LISTS = tuple(f'{part}.txt' for part in PARTS)
FILES = (CONFIG, NEW_CONFIG, CLASSES, *LISTS, ABOUT, PICTURE)
MOST_ROWS, SAMPLES = 24, 4  # classes in the picture, frames of each
SMALLEST_BATCH, MOST_WORKERS = 4, 4
FOLDER = '{{ fileDirname }}'  # MMEngine's for the folder of a config
NO_CONFIG = "'\\\n\r"  # signs that MMEngine does not put there


def earlier_model(out: str) -> dict:
    """``base`` and ``pretrained`` of the call that made a data folder.

    Args:
        out (str): The data folder.

    Returns:
        dict: Empty if there is none.
    """
    path = osp.join(out, ABOUT)
    settings = read_json(path).get('settings') or {} if osp.isfile(path) else {}
    return {key: settings[key] for key in ('base', 'pretrained') if settings.get(key)}


def check_free(out: str, overwrite: bool) -> dict[str, str]:
    """Refuse a folder that has files of an earlier call.

    Args:
        out (str): The data folder.
        overwrite (bool): Whether they are replaced.

    Returns:
        dict[str, str]: SHA-256 of the files that nobody has changed since.

    Raises:
        OSError: if there are such files, or it is no folder, or not writable.
        ValueError: if it has a sign in its path that no config can have.
    """
    if osp.exists(out) and not osp.isdir(out):
        raise FileExistsError(f"out: '{out}' is a file, name a folder")
    sign = next((sign for sign in NO_CONFIG if sign in out), None)
    if sign:
        raise ValueError(
            f'out: {out!r} has {sign!r} in it, and MMEngine reads no config that names '
            'such a folder: choose another'
        )
    present = [name for name in FILES if osp.lexists(osp.join(out, name))]
    if present and not overwrite:
        raise FileExistsError(
            f"out: '{out}' has {', '.join(present)} already: name another folder, or "
            f'overwrite (--overwrite; a {CONFIG} that was changed by hand is kept)'
        )
    nearest = out
    while not osp.lexists(nearest):
        nearest = osp.dirname(nearest)
    if not osp.isdir(nearest) or not os.access(nearest, os.W_OK):
        raise PermissionError(
            f"out: cannot write to '{out}': '{nearest}' is no folder, or not writable"
        )
    try:
        written = read_json(osp.join(out, ABOUT))['files']
        return {
            name: digest
            for name, digest in written.items()
            if name in present and file_sha256(osp.join(out, name)) == digest
        }
    except (OSError, TextError, KeyError, TypeError, AttributeError):
        return {}  # of the files that are there, nobody knows who has changed them


def write_data_folder(
    data: OwnData, unchanged: dict[str, str], workers: int, time_limit: Optional[float]
) -> None:
    """Write all files; what was changed by hand is kept beside them.

    Args:
        data (OwnData): What to write; is told what was written.
        unchanged (dict[str, str]): See :func:`check_free`.
        workers (int): Processes that read sample frames.
        time_limit (float, optional): Seconds for one.
    """
    out, root = data.out, common_root([clip.clip.path for clip in data.clips])
    names = [name for name in FILES if osp.lexists(osp.join(out, name))]
    config = CONFIG
    if CONFIG in names and CONFIG not in unchanged:
        config = NEW_CONFIG
        data.warnings.append(
            f'{CONFIG} was changed by hand and is kept; {NEW_CONFIG} is the one for '
            'the new lists: compare them'
        )
        names.remove(CONFIG)
    _put_aside(data, [name for name in names if name not in (*unchanged, ABOUT)])
    write_lines(osp.join(out, CLASSES), data.classes)
    delimiter = '\t' if any(' ' in clip.clip.path for clip in data.clips) else ' '
    written = [config, CLASSES]
    for part, name in zip(PARTS, LISTS):
        lines = [list_line(data, clip, root, delimiter) for clip in data.of_part(part)]
        if lines:
            write_lines(osp.join(out, name), lines)
            written.append(name)
        elif osp.exists(osp.join(out, name)):  # of an earlier call
            os.remove(osp.join(out, name))
    write_text(osp.join(out, config), config_text(data, root, delimiter))
    draw_picture(data, osp.join(out, PICTURE), workers, time_limit)
    written.append(PICTURE)
    digests = {name: file_sha256(osp.join(out, name)) for name in written}
    write_json(osp.join(out, ABOUT), content_of(data, root, digests))
    data.written = [osp.join(out, name) for name in (*written, ABOUT)]


def _put_aside(data: OwnData, names: Sequence[str]) -> None:
    """Rename files that somebody has changed, so that they are not lost."""
    for name in names:
        path, number = osp.join(data.out, name), 1
        while osp.lexists(f'{path}.old{number}'):
            number += 1
        os.rename(path, f'{path}.old{number}')
        data.warnings.append(
            f'{name} was changed by hand: what it was is in {name}.old{number}'
        )


def list_line(data: OwnData, clip: UsableClip, root: str, delimiter: str) -> str:
    """The line of a clip: path, range in seconds if any has one, labels."""
    path = osp.relpath(clip.clip.path, root)
    if path.startswith(('#', ' ')):
        path = osp.join('.', path)
    fields = [path]
    if data.has_segments:
        start, end = clip.start, clip.end
        if start is None or end is None:
            start, end = 0.0, round(clip.seconds, 6)
        fields += [repr(float(start)), repr(float(end))]
    fields += [str(data.classes.index(label)) for label in clip.labels]
    return delimiter.join(fields)


def config_text(data: OwnData, root: str, delimiter: str) -> str:
    """The config of the data folder, for people to read and change."""
    counts = ', '.join(f'{data.parts.count(part)} to {part}' for part in PARTS)
    arguments = [
        f'folder={FOLDER!r},  # of {CLASSES}, {", ".join(LISTS)}',
        f'videos={place_of(root, data.out)!r},  # where the paths in these begin',
    ]
    if data.has_segments:
        arguments.append('segments=True,  # lines: path start end label')
    if data.multi_label:
        arguments.append('multi_label=True,  # a clip may have several labels, or none')
    if delimiter != ' ':
        arguments.append(f'delimiter={delimiter!r},  # as paths have spaces')
    pretrained = data.settings.get('pretrained')
    recipes = ['use_own_data', *(['use_pretrained'] if pretrained else [])]
    lines = [
        f'# Written by `bike data`: {len(data.classes)} classes; clips: {counts}.',
        '# Change what you like: `bike data --overwrite` keeps a changed config.',
        f'_base_ = {base_of(data)!r}',
        '',
        f'from bike_mmaction.recipes import {", ".join(recipes)}',
        '',
        'use_own_data(',
        '    _base_,',
        *(f'    {argument}' for argument in arguments),
        ')',
    ]
    if pretrained:
        if ':' not in pretrained:  # hf-hub:org/repo
            pretrained = osp.abspath(pretrained)
        lines.append(f'use_pretrained(_base_, {pretrained!r})')
    return '\n'.join([*lines, *_loader_lines(data)]) + '\n'


def _loader_lines(data: OwnData) -> list[str]:
    """Batches that fit few clips; the rate follows the batch."""
    loader = data.base.train_dataloader
    batch, clips = SMALLEST_BATCH, data.parts.count('train')
    while 2 * batch <= min(loader.get('batch_size', 1), clips // 4):
        batch *= 2
    lines = []
    for part in PARTS:
        own = [f'batch_size={batch}', 'drop_last=False'] if part == 'train' else []
        loader = data.base.get(f'{part}_dataloader') or {}
        if loader.get('num_workers', 0) > MOST_WORKERS:
            own.append(f'num_workers={MOST_WORKERS}')
        if own and part in data.parts:
            lines.append(f'{part}_dataloader = dict({", ".join(own)})')
    if 'base_batch_size' in (data.base.get('auto_scale_lr') or {}):
        lines.append('auto_scale_lr = dict(enable=True)  # to this batch size')
    return lines


def base_of(data: OwnData) -> str:
    """The base as a config names it: wherever the package is, or this folder."""
    path = find_config(data.settings['base'])
    name = name_of_shipped(path)
    if name:
        return SCOPE + name
    relative = osp.relpath(path, osp.realpath(data.out))
    return relative if _is_near(relative) else osp.abspath(path)


def place_of(folder: str, out: str) -> str:
    """A folder as the config names it.

    Where it lies in the data folder or beside it, both can be moved together.
    """
    relative = osp.relpath(folder, osp.realpath(out))
    near = osp.join(out, relative)
    if _is_near(relative) and osp.exists(near) and osp.samefile(near, folder):
        return f'{FOLDER}/{relative}'
    return folder


def _is_near(relative: str) -> bool:
    return not relative.startswith(osp.join(os.pardir, os.pardir))


def draw_picture(
    data: OwnData, path: str, workers: int, time_limit: Optional[float]
) -> None:
    """Draw the classes, or the largest and the smallest ones of many."""
    counts = counts_of(data)
    names = list(data.classes)
    note = ''
    if len(names) > MOST_ROWS:
        by_size = sorted(names, key=lambda name: -sum(counts[name].values()))
        half = MOST_ROWS // 2
        names = by_size[:half] + by_size[-half:]
        note = (
            f'The {half} largest and the {half} smallest of {len(data.classes)} '
            f'classes; {ABOUT} has all.'
        )
    own = {name: [c for c in data.clips if name in c.labels] for name in names}
    samples = {name: _spread(clips, SAMPLES) for name, clips in own.items()}
    wanted = [
        (clip.clip.path, (clip.start or 0.0) + clip.seconds / 2)
        for name in names
        for clip in samples[name]
    ]
    images = iter(frames_of(wanted, workers, time_limit))
    rows = [
        ClassRow(
            name,
            counts[name],
            [clip.seconds for clip in own[name]],
            [next(images) for _ in samples[name]],
        )
        for name in names
    ]
    minutes = sum(clip.seconds for clip in data.clips) / 60
    title = (
        f'{osp.basename(data.out)}: {len(data.classes)} classes, '
        f'{len(data.clips)} clips, {minutes:.1f} minutes'
    )
    with replaced(path) as draft:
        draw_data(draft, rows, title, note)


def _spread(clips: Sequence[UsableClip], count: int) -> list[UsableClip]:
    """Some clips from all over a class."""
    if len(clips) <= count:
        return list(clips)
    return [clips[(2 * i + 1) * len(clips) // (2 * count)] for i in range(count)]
