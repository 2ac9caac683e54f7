"""What was recognized when as subtitles, which players show over a video."""

import html
from collections.abc import Sequence

from ...files import write_text
from .recognition import Recognition
from .spans import Span, spans_of


def write_subtitles(
    path: str, recognitions: Sequence[Recognition], seconds: float
) -> None:
    """Write a subtitle for each stretch with the same label.

    Args:
        path (str): File to write: '.srt' (SubRip) or '.vtt' (WebVTT).
        recognitions (Sequence[Recognition]): That of a video, or those of its
            windows. Where it is none of the classes, there is no subtitle;
            where it is several, it has the confidence of the least sure one.
        seconds (float): How long the video is.
    """
    spans = spans_of(
        [r.segment or (0.0, seconds) for r in recognitions],
        [', '.join(sorted(r.labels)) or None for r in recognitions],
        [_least_sure(r) for r in recognitions],
    )
    write_text(path, _vtt(spans) if path.lower().endswith('.vtt') else _srt(spans))


def _least_sure(recognition: Recognition) -> float:
    """Confidence of the last one of the labels."""
    values = [value for _, value in recognition.predictions[: len(recognition.labels)]]
    return values[-1] if values else 0.0


def _srt(spans: Sequence[Span]) -> str:
    cues = [
        f'{number}\n{_times(span, ",")}\n{_text(span)}\n'
        for number, span in enumerate(spans, 1)
    ]
    return '\n'.join(cues)


def _vtt(spans: Sequence[Span]) -> str:
    # Signs such as '<' and '&' would be read as markup.
    cues = [
        f'{_times(span, ".")}\n{html.escape(_text(span), quote=False)}\n'
        for span in spans
    ]
    return '\n'.join(['WEBVTT\n', *cues])


def _text(span: Span) -> str:
    """In one line: a blank one would end the subtitle."""
    return f'{" ".join(span.label.split())} ({100 * span.confidence:.0f} %)'


def _times(span: Span, point: str) -> str:
    return f'{_time(span.start, point)} --> {_time(span.end, point)}'


def _time(seconds: float, point: str) -> str:
    """Such as '00:01:02.500'."""
    whole, rest = divmod(round(1000 * seconds), 1000)
    return f'{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{rest:03}'
