"""Results of labelling for other programs, and what to label next."""

import os.path as osp
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Optional
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from ...datasets.result_tables import Result, fields_of, read_results
from ...datasets.tables import ROWS_AT_ONCE, Field, kind_of, write_table
from ...datasets.video_table import PATH
from ...files import replaced, write_json, write_text
from ...text_files import PATHS
from ..inference.frames import VideoFile
from ..inference.spans import Span, spans_of
from .results import about_of, read_about, result_fields

KINDS = ('label-studio', 'fiftyone')
FRAME_RATE = 24.0  # of Label Studio's tag <Video>, unless it says another
_TIMES, _CHOICE = 'actions', 'action'  # names of Label Studio's tags


# long: for its arguments
def convert_labels(
    labels: str,
    out: str,
    kind: Optional[str] = None,
    uncertain: Optional[int] = None,
    path_column: str = PATH,
    root: str = '',
    url_prefix: str = '',
    frame_rate: float = FRAME_RATE,
) -> dict[str, int]:
    """Write a result of :func:`.label_videos` in another format.

    Args:
        labels (str): The result: .jsonl, .csv, .tsv or .parquet.
        out (str): The file to write. Beside that for Label Studio there is a
            file .xml, the labelling interface that fits.
        kind (str, optional): 'label-studio' (tasks with predictions),
            'fiftyone' (FiftyOneTemporalDetectionDataset); None: a table with
            the columns of the result and ``margin``.
        uncertain (int, optional): Only so many videos, the most uncertain
            first: those whose two likeliest classes are nearest to each other,
            in any piece of theirs, or with a class nearest to 0.5 where there
            may be several. A table has that piece alone.
        path_column (str): Column with the paths. Defaults to 'path'.
        root (str): Where relative paths begin, for FiftyOne.
        url_prefix (str): Put before paths for Label Studio, such as
            '/data/local-files/?d='; these become parts of an address then.
        frame_rate (float): By which Label Studio counts frames: that of its
            tag <Video>. Defaults to 24, which is its own.

    Returns:
        dict: Numbers of ``videos`` and of ``unreadable`` rows, left out.

    Raises:
        OSError: if something cannot be read or written.
        ValueError: if ``labels`` is no result, or has no second class, or
            ``kind`` is another.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"kind '{kind}' is unknown; choose from {KINDS} or None")
    readable, unreadable = _read(labels, path_column)
    videos: list[Sequence[Result]] = list(readable.values())
    if uncertain is not None:
        videos = _most_uncertain(labels, videos, uncertain)
    if kind == 'label-studio':
        rows = [row for results in videos for row in results]
        tasks = [_task(results, url_prefix, frame_rate) for results in videos]
        write_json(out, tasks)
        interface = _interface(_classes(labels, rows), rows, frame_rate)
        write_text(f'{osp.splitext(out)[0]}.xml', interface)
    elif kind == 'fiftyone':
        write_json(out, _fiftyone(labels, videos, root))
    else:
        _write_table(labels, out, videos, uncertain is not None)
    return dict(videos=len(videos), unreadable=unreadable)


def _read(labels: str, path_column: str) -> tuple[dict[str, list[Result]], int]:
    """Rows by video, in their order, and how many could not be read."""
    videos: dict[str, list[Result]] = {}
    unreadable = 0
    for result in read_results(labels, path_column):
        if result.error:
            unreadable += 1
        else:
            videos.setdefault(result.path, []).append(result)
    return videos, unreadable


def _margin(results: Sequence[Result]) -> float:
    return min(result.margin for result in results)


def _most_uncertain(
    labels: str, videos: Sequence[Sequence[Result]], count: int
) -> list[Sequence[Result]]:
    if videos and all(_margin(results) == 1 for results in videos):
        raise ValueError(
            f"'{labels}' names one class alone for each video, so that nothing says "
            'how uncertain it is: label with --topk 2 or more'
        )
    return sorted(videos, key=_margin)[:count]


def _write_table(
    labels: str, out: str, videos: Sequence[Sequence[Result]], one_each: bool
) -> None:
    chosen: Iterable[Result] = (
        result
        for results in videos
        for result in ([min(results, key=lambda r: r.margin)] if one_each else results)
    )
    known = {field.name: field for field in result_fields(True, True, True)}
    fields = [field for field in fields_of(labels) if field.name != 'margin']
    if kind_of(labels) == '.jsonl':  # which tells no kinds
        fields = [known.get(field.name, field) for field in fields]
    names = [field.name for field in fields]
    rows = (
        {**{name: one.row.get(name) for name in names}, 'margin': round(one.margin, 5)}
        for one in chosen
    )
    with (
        replaced(out) as draft,
        write_table(draft, [*fields, Field('margin', 'number')]) as write,
    ):
        for piece in iter(lambda: list(islice(rows, ROWS_AT_ONCE)), []):
            write(piece)


def _spans(
    results: Sequence[Result], whole: tuple[float, float] = (0.0, 0.0)
) -> list[Span]:
    """Of each class, in the order of their begins.

    Args:
        results (Sequence[Result]): Of a video, labelled piece by piece or whole.
        whole (tuple[float, float]): Begin and end of a whole one.
    """
    windows = [result.segment or whole for result in results]
    spans = [
        span
        for name in dict.fromkeys(name for result in results for name in result.labels)
        for span in spans_of(
            windows,
            [name if name in result.labels else None for result in results],
            [result.labels.get(name, 0.0) for result in results],
        )
    ]
    return sorted(spans, key=lambda span: span.start)


def _task(results: Sequence[Result], url_prefix: str, rate: float) -> dict:
    """A task of Label Studio with its prediction."""
    if results[0].segment is not None:
        regions = [_region(span, rate) for span in _spans(results)]
    else:
        regions = [
            dict(
                from_name=_CHOICE,
                type='choices',
                value=dict(choices=list(result.labels)),
                score=min(result.labels.values()),
            )
            for result in results[:1]
            if result.labels
        ]
    for number, region in enumerate(regions, 1):
        region.update(id=f'bike{number}', to_name='video')
    score = min(result.confidence for result in results)
    prediction = dict(model_version='bike_mmaction', score=score, result=regions)
    video = _address(url_prefix, results[0].path)
    data = dict(video=video, margin=round(_margin(results), 5))
    return dict(data=data, predictions=[prediction])


def _address(prefix: str, path: str) -> str:
    """Signs such as & and # would end an address; a cloud is asked by plain names."""
    is_web = prefix.startswith(('/', 'http://', 'https://'))
    return prefix + (quote(path, errors=PATHS) if is_web else path)


def _region(span: Span, rate: float) -> dict[str, Any]:
    """Frames count from 1, and the last one is part of it."""
    first = round(span.start * rate) + 1
    last = max(first, round(span.end * rate))
    return dict(
        from_name=_TIMES,
        type='timelinelabels',
        value=dict(ranges=[dict(start=first, end=last)], timelinelabels=[span.label]),
        score=span.confidence,
    )


def _classes(labels: str, rows: Iterable[Result]) -> list[str]:
    """Those that were asked for, if that is known, or else that were found."""
    if osp.isfile(about_of(labels)):
        return list(read_about(labels)['settings']['classes'])
    return sorted({label for row in rows for label in row.labels})


def _interface(classes: Sequence[str], rows: Sequence[Result], rate: float) -> str:
    """Label Studio's labelling interface for the tasks."""
    many = ''
    if any(row.segment for row in rows):
        tag, child, name = 'TimelineLabels', 'Label', _TIMES
    else:
        tag, child, name = 'Choices', 'Choice', _CHOICE
        if any(row.has_several for row in rows):
            many = ' choice="multiple"'
    values = '\n'.join(f'    <{child} value={quoteattr(one)}/>' for one in classes)
    return (
        f'<View>\n  <{tag} name="{name}" toName="video"{many}>\n{values}\n  </{tag}>\n'
        f'  <Video name="video" value="$video" frameRate="{rate:g}"/>\n</View>\n'
    )


def _fiftyone(labels: str, videos: Sequence[Sequence[Result]], root: str) -> dict:
    """The labels of a FiftyOneTemporalDetectionDataset, by absolute path."""
    detections = {}
    for results in videos:
        path = osp.abspath(osp.join(root, results[0].path))
        whole = (0.0, 0.0)
        if results[0].segment is None:  # a detection has times: those of all
            whole = (0.0, _seconds(path))
        spans = _spans(results, whole)
        detections[path] = [
            dict(
                label=span.label,
                timestamps=[round(span.start, 3), round(span.end, 3)],
                confidence=round(span.confidence, 5),
            )
            for span in spans
        ]
    rows = (row for results in videos for row in results)
    return dict(classes=_classes(labels, rows), labels=detections)


def _seconds(path: str) -> float:
    """How long a video is."""
    file = VideoFile(path)
    try:
        return float(file.reader.times[-1])
    finally:
        file.close()
