"""What the page says of recognitions, in Markdown."""

import os.path as osp
import re
from collections.abc import Sequence
from typing import Optional

from ..apis.inference.recognition import Recognition


def summarize(results: Sequence[Recognition]) -> str:
    """What was recognized, in Markdown."""
    warnings = sorted({plain(r.warning) for r in results if r.warning})
    if results[0].segment:
        count = '1 window' if len(results) == 1 else f'{len(results)} windows'
        return '\n\n'.join([f'## {count}', *warnings])
    lines = [f'## {_label(results[0])}', *warnings]
    if results[0].independent:
        lines.append('Each class has a confidence of its own: they need not sum to 1.')
    if results[0].attributes:
        lines.append(f'Attributes: {_attributes(results[0])}')
    return '\n\n'.join(lines)


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
                ', '.join(f'{100 * value:.0f} %' for _, value in values),
                _attributes(recognition),
            ]
        rows.append(f'| {" | ".join(cells)} |')
    return '\n'.join(rows)


def without_folder(text: str, video: Optional[str]) -> str:
    """People know their file by its name, not by where it was put."""
    return text.replace(plain(osp.join(osp.dirname(video or ''), '')), '')


def _label(recognition: Recognition) -> str:
    return plain(recognition.named) or '*none of these*'


def _attributes(recognition: Recognition) -> str:
    return ', '.join(plain(name) for name, _ in recognition.attributes)


def plain(text: Optional[str]) -> str:
    """Without meaning in Markdown."""
    return re.sub(r'([\\`*_{}\[\]<>#|~$])', r'\\\1', text or '')
