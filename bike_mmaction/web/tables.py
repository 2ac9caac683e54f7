"""Tables of several videos: as HTML of the page, and as files."""

import os.path as osp
from collections.abc import Sequence
from html import escape
from typing import Optional
from urllib.parse import quote

from ..apis.inference.recognition import Recognition
from ..apis.labelling.results import result_fields
from ..apis.retrieval.search import Match
from ..datasets.result_tables import SEVERAL
from ..datasets.tables import Field, write_table
from ..files import replaced, write_json
from ..terminal import clock
from .text import percent

API = 'gradio_api/'  # below the address of the page
GONE = 'The file is gone, or has changed since it was indexed.'


def tabulate_videos(videos: Sequence[str], recognitions: Sequence[Recognition]) -> str:
    """A row of HTML for each video: some frames, name, answer, confidence.

    Args:
        videos (Sequence[str]): Paths of all uploads.
        recognitions (Sequence[Recognition]): Of those that are done.
    """
    done = [*recognitions, *[None] * (len(videos) - len(recognitions))]
    rows = ''.join(map(_row_of_video, videos, done))
    return _table(['frames', 'video', 'answer', 'confidence'], rows)


def _row_of_video(video: str, recognition: Optional[Recognition]) -> str:
    address = escape(f'{API}preview={quote(video)}')
    name, confidence = escape(osp.basename(video)), ''
    if recognition is None:
        image, answer, kind = '', 'not yet', 'waits'
    elif recognition.error:
        image, answer, kind = '', escape(recognition.error), 'failed'
    else:
        image = f'<img src="{address}" loading="lazy" alt="frames of {name}">'
        answer, confidence = _answer(recognition)
        kind = 'done'
    cells = dict(frames=image, name=name, answer=answer, confidence=confidence)
    return f'<tr class="{kind}">{_cells(cells)}</tr>'


def _answer(recognition: Recognition) -> tuple[str, str]:
    """What is said of a video as HTML, and how sure it is."""
    count = len(recognition.labels)
    values = [f'{name}, {percent(value)}' for name, value in recognition.predictions]
    remarks = [f'then {text}' for text in values[count : count + 1]]
    if not count:
        remarks = [f'likeliest: {values[0]}']
    if recognition.warning:
        remarks.append(recognition.warning)
    labels = recognition.labels or ['none of these']
    confidences = [percent(value) for _, value in recognition.predictions[:count]]
    return (
        '<br>'.join(f'<b>{escape(label)}</b>' for label in labels)
        + ''.join(f'<small>{escape(remark)}</small>' for remark in remarks),
        '<br>'.join(confidences),
    )


def tabulate_matches(
    matches: Sequence[Match], names: Sequence[str], keys: Sequence[str]
) -> str:
    """A row of HTML for each video that was found: frames of the moment, which
    play it from there; name, time and score.

    Args:
        matches (Sequence[Match]): The best first.
        names (Sequence[str]): How people know the videos.
        keys (Sequence[str]): See :meth:`.Moments.remember`; '' for a video that
            is not there any more.
    """
    rows = ''.join(map(_row_of_match, matches, names, keys))
    return _table(['moment', 'video', 'time', 'score'], rows)


def _row_of_match(match: Match, name: str, key: str) -> str:
    name = escape(name)
    time = f'{clock(match.start)} – {clock(match.end)}'
    frames = f'<small>{GONE}</small>'
    if key:
        frames = (
            f'<button type="button" class="moment" data-video="{API}indexed={key}'
            f'#t={match.start:.3f}">'
            f'<img src="{API}moment={key}" loading="lazy" alt="frames, {time}">'
            f'<span>▶ play from {clock(match.start)}</span></button>'
        )
    cells = dict(frames=frames, name=name, time=time, score=f'{match.score:.3f}')
    return f'<tr class="done">{_cells(cells)}</tr>'


def _table(names: Sequence[str], rows: str) -> str:
    head = ''.join(f'<th>{name}</th>' for name in names)
    return f'<table class="videos"><tr>{head}</tr>{rows}</table>'


def _cells(cells: dict[str, str]) -> str:
    return ''.join(f'<td class="{name}">{text}</td>' for name, text in cells.items())


def write_results(folder: str, recognitions: Sequence[Recognition]) -> list[str]:
    """Write the results of several videos: a table as of `bike label`, and JSON as
    of `bike infer`.

    Args:
        folder (str): Where.
        recognitions (Sequence[Recognition]): Of whole videos.

    Returns:
        list[str]: Paths of a CSV and a JSON file.
    """
    table, content = (osp.join(folder, f'results.{kind}') for kind in ('csv', 'json'))
    has_attributes = any(recognition.attributes for recognition in recognitions)
    has_labels = any(recognition.independent for recognition in recognitions)
    fields = [Field('video'), *result_fields(False, has_attributes, has_labels)]
    rows = map(_row_to_write, recognitions)
    with replaced(table) as draft, write_table(draft, fields) as write:
        write([{field.name: row[field.name] for field in fields} for row in rows])
    write_json(content, [recognition.to_dict() for recognition in recognitions])
    return [table, content]


def _row_to_write(recognition: Recognition) -> dict:
    phrases = [{'phrase': n, 'cosine': round(v, 5)} for n, v in recognition.attributes]
    classes = [
        {'class': n, 'confidence': round(v, 5)} for n, v in recognition.predictions
    ]
    content = dict(recognition.to_dict(), predictions=classes, attributes=phrases)
    content[SEVERAL] = classes[: len(recognition.labels)]
    content['confidence'] = classes[0]['confidence'] if classes else None
    return dict(content, video=recognition.source)
