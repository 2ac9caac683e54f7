"""Which classes a data folder has, and what CLIP reads of their names."""

from collections import Counter
from collections.abc import Sequence
from typing import Optional

from mmengine.config import Config

from ...datasets.layouts import Clip, LeftOut
from ...datasets.own_names import merge_names, readable_name, same_name
from ...models.clip.architectures import get_arch
from ...models.clip.tokens import build_tokenizer
from .clips import OwnData
from .counts import summarize

UNKNOWN = 'class that is not asked for'


def name_classes(
    data: OwnData, clips: Sequence[Clip], asked: Optional[Sequence[str]]
) -> None:
    """Find the names of the classes, and those that CLIP cannot tell apart."""
    own = (name for reading in data.readings for name in reading.classes)
    used = (label for clip in clips for label in clip.labels)
    labels = list(dict.fromkeys([*own, *used]))
    if asked is not None:
        by_name = {same_name(readable_name(name)): name for name in asked}
        data.names = {
            label: by_name.get(same_name(readable_name(label)), '') for label in labels
        }
        data.classes = list(asked)
        return
    sizes = Counter(label for clip in clips for label in clip.labels)
    by_size = sorted(labels, key=lambda label: -sizes[label])
    data.names, alike = merge_names(by_size, _tokens(data.base, by_size))
    data.classes = list(dict.fromkeys(data.names[label] for label in labels))
    data.warnings += [
        f'CLIP reads the same of the classes {one!r} and {two!r}, and cannot tell them '
        'apart: begin one of them with other words (the end of a long name is cut)'
        for one, two in alike
    ]


def _tokens(base: Config, labels: Sequence[str]) -> list[tuple[int, ...]]:
    """What the text encoder reads of each name."""
    encoder = (base.model.get('cls_head') or {}).get('text_encoder') or {}
    texts = [readable_name(label) for label in labels]
    if not encoder.get('arch') or not texts:
        return [tuple(map(ord, same_name(text))) for text in texts]
    tokenizer = build_tokenizer(encoder['arch'], get_arch(encoder['arch']))
    return [tuple(row) for row in tokenizer(texts).tolist()]


def with_known_classes(
    data: OwnData, clips: Sequence[Clip], asked: Optional[Sequence[str]]
) -> list[Clip]:
    """Leave out labels, and clips, of classes that are not asked for."""
    if asked is None:
        return list(clips)
    known = []
    for clip in clips:
        labels = tuple(label for label in clip.labels if data.names[label])
        if labels or not clip.labels:
            known.append(clip._replace(labels=labels))
        for label in clip.labels:
            if not data.names[label]:
                detail = f'{label!r}; {clip.place}'
                data.left_out.append(LeftOut(UNKNOWN, clip.path, detail))
    return known


def keep_classes(data: OwnData, all_of_them: bool) -> None:
    """Drop classes without clips, unless they were asked for.

    Raises:
        ValueError: if fewer than two have clips; says what was left out.
    """
    used = {label for clip in data.clips for label in clip.labels}
    absent = [name for name in data.classes if name not in used]
    if absent:
        what = 'they stay in classes.txt' if all_of_them else 'they are left out'
        names = ', '.join(absent[:5]) + (', ...' if len(absent) > 5 else '')
        data.warnings.append(f'classes without a usable clip, {what}: {names}')
    if len(used) < 2:
        has = f'one class has ({next(iter(used))!r})' if used else 'none has'
        raise ValueError(
            f'clips of two classes at least are needed, {has}: {why(data)}'
        )
    if not all_of_them:
        data.classes = [name for name in data.classes if name in used]


def why(data: OwnData) -> str:
    """All warnings, for an error."""
    summarize(data)
    return '; '.join(data.warnings) or 'nothing was left out'
