"""ActivityNet 1.3: segments to train on, whole videos to test on."""

import os.path as osp
from collections import Counter
from collections.abc import Sequence
from typing import Optional

from ...text_files import read_json
from ..class_labels import ClassLabels
from .entries import Entry, OfficialList, add_segment


def read_activitynet(
    folder: str, part: str, split: Optional[int], labels: ClassLabels
) -> OfficialList:
    path = osp.join(folder, 'activity_net.v1-3.min.json')
    subsets = dict(
        train=('training',), val=('validation',), full=('training', 'validation')
    )[part]
    entries: list[Entry] = []
    remarks: Counter[str] = Counter()
    for name, segments, duration in _read_videos(path, subsets):
        where = f"'{path}' video {name}"
        numbers = [labels.find(label, where) for label, _, _ in segments]
        if not segments:
            remarks['left out, without annotation'] += 1
        elif part == 'train':
            for label, (_, start, end) in zip(numbers, segments):
                add_segment(
                    entries,
                    remarks,
                    (f'v_{name}', name),
                    label,
                    start,
                    min(end, duration),
                )
        else:
            if len(set(numbers)) > 1:
                remarks['of several classes, of which the first is taken'] += 1
            entries.append(Entry((f'v_{name}', name), (numbers[0],)))
    return OfficialList(entries, remarks)


def _read_videos(path: str, subsets: Sequence[str]) -> list[tuple]:
    """Name, segments ``(class, begin, end)`` and duration of each video."""
    content = read_json(path)
    try:
        videos = content['database']
        return [
            (
                name,
                [_read_segment(x) for x in video['annotations']],
                float(video['duration']),
            )
            for name, video in videos.items()
            if video['subset'] in subsets
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"'{path}': expected {{'database': {{id: {{'subset', 'duration', "
            f"'annotations': [{{'label', 'segment'}}]}}}}}} ({error!r})"
        ) from error


def _read_segment(annotation: dict) -> tuple[str, float, float]:
    start, end = map(float, annotation['segment'])
    return annotation['label'], start, end
