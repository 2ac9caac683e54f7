"""Label Studio's exports, JSON and JSON-MIN, of videos.

A span of ``TimelineLabels`` is ``{"ranges": [{"start": 3, "end": 5}],
"timelinelabels": ["run"]}``. Its frames count from 1, both ends included, by
the ``frameRate`` of the tag ``<Video>``, which an export does not tell (24 if
none is given). ``Choices`` say what a whole video shows, ``Labels`` with
``start`` and ``end`` have seconds, ``VideoRectangle`` has frames again.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from ...errors import TextError
from ...text_files import read_json
from .clips import Clip, FrameRange, Reading, ReadingOptions
from .paths import NamedVideos, choose_root, first_video

KIND = 'export of Label Studio'
_RATES = ('fps', 'framerate', 'frame_rate', 'frameRate')  # keys of a task's data
_CHOICES = ('action', 'choice', 'choices', 'label', 'class', 'category')
_NOTHING = 'without label'


class _Span(NamedTuple):
    """What a result says, of a range or of the whole video."""

    labels: tuple[str, ...]
    start: Optional[float] = None
    end: Optional[float] = None
    frames: Optional[FrameRange] = None


def read_label_studio(path: str, options: ReadingOptions) -> Reading:
    """Read an export.

    Raises:
        TextError: if it is no JSON, or no list of tasks.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise TextError(
            f"'{path}' is no export of Label Studio: expected a list of tasks (export "
            'as JSON or JSON-MIN)'
        )
    reading = Reading(KIND, choose_root([], path, options.root))
    videos = NamedVideos(reading)
    for number, task in enumerate(tasks, 1):
        place = f"'{path}' task {task.get('id', number)}"
        _read_task(reading, videos, task, place, options)
    names = (label for clip in reading.clips for label in clip.labels)
    reading.classes = sorted(dict.fromkeys(names))
    if any(clip.frames and clip.frames.rate is None for clip in reading.clips):
        reading.remarks.append(
            'Label Studio counts frames by the frameRate of its <Video> tag (24 if '
            'none is given), which the export does not tell: the frames of the files '
            'are taken; where they differ, give --frame-rate'
        )
    return reading


def _read_task(
    reading: Reading,
    videos: NamedVideos,
    task: dict,
    place: str,
    options: ReadingOptions,
) -> None:
    data = task.get('data')
    data = data if isinstance(data, dict) else task  # JSON-MIN has one level
    name = first_video([data.get('video'), *data.values()])
    if not name:
        reading.leave_out('without video', place, 'no value of it names a video file')
        return
    try:
        spans = list(_spans_of(reading, task, place, _rate(data, options), options))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TextError(
            f'{place}: a result is not as Label Studio writes it '
            f'({type(error).__name__}: {error})'
        ) from error
    if not spans:
        hint = '' if 'annotations' in task else ': --label-column names its key'
        reading.leave_out(_NOTHING, name, f'{place}{hint}')
        return
    path = videos.find(name, place)
    if not path:
        return
    whole = [label for span in spans if _is_whole(span) for label in span.labels]
    if whole:
        labels = tuple(dict.fromkeys(whole))
        reading.clips.append(Clip(path, labels, place=place))
    for span in spans:
        if not _is_whole(span):
            clip = Clip(path, span.labels, span.start, span.end, place=place)
            reading.clips.append(clip._replace(frames=span.frames))


def _is_whole(span: _Span) -> bool:
    return span.start is None and span.frames is None


def _rate(data: dict, options: ReadingOptions) -> Optional[float]:
    """Frames a second by which its frames are counted, if anything tells."""
    if options.rate is not None:
        return options.rate
    for key in _RATES:
        try:
            rate = float(data[key])
        except (KeyError, TypeError, ValueError):
            continue
        if 0 < rate < float('inf'):
            return rate if rate >= 1 else 1 / rate  # seconds of a frame
    return None


def _spans_of(
    reading: Reading,
    task: dict,
    place: str,
    rate: Optional[float],
    options: ReadingOptions,
) -> Iterator[_Span]:
    if 'annotations' not in task:
        yield from _minimal_spans(task, rate, options.label_column)
        return
    annotations = [
        one
        for one in task['annotations'] or ()
        if isinstance(one, dict) and not one.get('was_cancelled')
    ]
    annotations.sort(key=lambda one: not one.get('ground_truth'))
    for other in annotations[1:]:
        detail = 'the ground truth, or else the first, is used'
        reading.leave_out(
            'one more annotation of a task',
            f'{place} annotation {other.get("id", "?")}',
            detail,
        )
    for result in annotations[0].get('result') or () if annotations else ():
        yield from _read_value(result.get('value'), rate)


def _minimal_spans(
    task: dict, rate: Optional[float], column: Optional[str]
) -> list[_Span]:
    """Those of JSON-MIN, where a key is the name of a control tag.

    A single choice is plain text there, as the data are: it is known by its key.
    """
    spans = [
        span
        for value in task.values()
        for one in (value if isinstance(value, list) else [value])
        for span in _read_value(one, rate)
    ]
    usual = () if spans else _CHOICES
    for key in usual if column is None else (column,):
        if isinstance(task.get(key), str):
            spans += _read_value(dict(choices=[task[key]]), rate)
    return spans


def _read_value(value: Any, rate: Optional[float]) -> Iterator[_Span]:
    """What one value of a result says; nothing if it is of another kind."""
    if not isinstance(value, dict):
        return
    labels = next(
        (
            value[key]
            for key in ('timelinelabels', 'labels', 'choices', 'videorectanglelabels')
            if isinstance(value.get(key), list) and value[key]
        ),
        None,
    )
    if labels is None:
        return
    names = tuple(dict.fromkeys(str(label) for label in labels))
    if isinstance(value.get('ranges'), list):
        for one in value['ranges']:
            frames = FrameRange(int(one['start']) - 1, int(one['end']) - 1, rate)
            yield _Span(names, frames=frames)
    elif isinstance(value.get('sequence'), list):
        for first, last in _enabled(value['sequence']):
            yield _Span(names, frames=FrameRange(first, last, _rate_of(value) or rate))
    elif 'start' in value and 'end' in value:
        yield _Span(names, float(value['start']), float(value['end']))
    elif 'choices' in value:
        yield _Span(names)


def _rate_of(value: dict) -> Optional[float]:
    """Of an object that is followed: its result tells frames and seconds."""
    frames, seconds = value.get('framesCount'), value.get('duration')
    return float(frames) / float(seconds) if frames and seconds else None


def _enabled(sequence: list) -> Iterator[tuple[int, Optional[int]]]:
    """Frames in which an object is there: it stays until it is disabled."""
    first = None
    for key in sorted(sequence, key=lambda one: one['frame']):
        if first is None:
            first = int(key['frame']) - 1
        if not key.get('enabled', True):
            yield first, int(key['frame']) - 1
            first = None
    if first is not None:
        yield first, None
