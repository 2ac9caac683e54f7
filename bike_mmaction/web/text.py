"""What the page says of recognitions, in Markdown."""

import os.path as osp
import re
from collections.abc import Sequence
from typing import Optional

from ..apis.inference.recognition import Recognition


def summarize(results: Sequence[Recognition], threshold: float = 0.0) -> str:
    """What was recognized in one video, in Markdown."""
    warnings = sorted({plain(r.warning) for r in results if r.warning})
    if results[0].segment:
        count = '1 window' if len(results) == 1 else f'{len(results)} windows'
        return '\n\n'.join([f'## {count}', *warnings])
    lines = [f'## {_label(results[0])}']
    if results[0].label is None:
        name, value = results[0].predictions[0]
        lines.append(
            f'The likeliest class, {plain(name)}, has {percent(value)}: less than the '
            f'threshold of {percent(threshold)}.'
        )
    lines += warnings
    if results[0].independent:
        lines.append('Each class is judged by itself: they need not sum to 100 %.')
    if results[0].attributes:
        lines.append(f'Attributes: {_attributes(results[0])}')
    return '\n\n'.join(lines)


def summarize_videos(videos: Sequence[str], done: Sequence[Recognition]) -> str:
    """How far it is with several videos, and what went wrong, in Markdown."""
    failed = sum(bool(recognition.error) for recognition in done)
    if len(done) < len(videos):
        return f'## {len(done)} of {len(videos)} videos'
    count = '1 video' if len(done) == 1 else f'{len(done)} videos'
    return f'## {count}' + f'\n{failed} could not be recognized.' * bool(failed)


def tabulate(results: Sequence[Recognition]) -> str:
    """A row of Markdown for each window."""
    rows = ['| time | recognized | confidence | attributes |', '|-|-|-|-|']
    for recognition in results:
        begin, end = recognition.segment or (0.0, 0.0)
        cells = [f'{begin:.1f}–{end:.1f}\N{NO-BREAK SPACE}s']
        if recognition.error:
            cells += ['*unreadable*', '', '']
        else:
            values = recognition.predictions[: max(1, len(recognition.labels))]
            cells += [
                _label(recognition),
                ', '.join(percent(value) for _, value in values),
                _attributes(recognition),
            ]
        rows.append(f'| {" | ".join(cells)} |')
    return '\n'.join(rows)


def percent(share: float) -> str:
    """Such as 56 %, on one line."""
    return f'{100 * share:.0f}\N{NO-BREAK SPACE}%'


def reason_of(error: Exception) -> str:
    """Why something was not recognized, for people."""
    if isinstance(error, MemoryError):
        return 'its frames need more memory than the page may use'
    return str(error)


def without_folder(text: str, video: Optional[str]) -> str:
    """People know their file by its name, not by where it was put.

    Args:
        text (str): Plain, or Markdown.
        video (str, optional): Path of the file.
    """
    folder = osp.join(osp.dirname(video or ''), '')
    return text.replace(plain(folder), '').replace(folder, '') if video else text


def _label(recognition: Recognition) -> str:
    return plain(recognition.named) or '*none of these*'


def _attributes(recognition: Recognition) -> str:
    return ', '.join(plain(name) for name, _ in recognition.attributes)


def plain(text: Optional[str]) -> str:
    """Without meaning in Markdown."""
    return re.sub(r'([\\`*_{}\[\]<>#|~$])', r'\\\1', text or '')
