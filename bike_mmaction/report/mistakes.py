"""The worst mistakes, as a section of the page."""

import os.path as osp
from typing import Optional

import numpy as np

from .content import Content, Labelling
from .drawing import BLUE, ORANGE, percent, text
from .measures import Mistake
from .strips import Strip

_WRONG = '#b35300'  # ORANGE, dark enough for text


def mistakes_section(content: Content, one_label: bool) -> str:
    """Videos that were wrong by the widest margin.

    Args:
        content (Content): Of the page.
        one_label (bool): Whether each video has one class.
    """
    if not content.mistakes:
        return '<section><h2>Worst mistakes</h2><p>There are none.</p></section>'
    strips: list[Optional[Strip]] = [*content.strips]
    strips += [None] * (len(content.mistakes) - len(strips))
    items = ''.join(
        _mistake(content, mistake, strip, one_label)
        for mistake, strip in zip(content.mistakes, strips)
    )
    legend = ''
    if any(strip is not None and strip.frames for strip in strips):
        truth = 'what it is' if one_label else 'a class that it has'
        other = 'what it was taken for' if one_label else 'a class that it has not'
        legend = (
            '<p class="legend">Bars: how much a frame counts for a class. '
            f'<span><i style="background:{BLUE}"></i>{truth}</span> '
            f'<span><i style="background:{ORANGE}"></i>{other}</span> '
            '<span><i class="dotted"></i>all frames alike</span></p>'
        )
    note = f'<p>{text(content.no_strips)}</p>' if content.no_strips else ''
    what = 'A wrong class had a much higher score than a right one'
    if content.labelling is not None:
        what = 'A label was missed, or named with much confidence and wrong'
    return (
        f'<section><h2>Worst mistakes</h2><p>{what}; the worst first.</p>'
        f'{note}{legend}{items}</section>'
    )


def _mistake(
    content: Content, mistake: Mistake, strip: Optional[Strip], one_label: bool
) -> str:
    file = content.files[mistake.video]
    short = osp.join(*file.replace('\\', '/').split('/')[-2:]) if file else ''
    name = short or f'video {mistake.video + 1} of the list'
    body, sure = '', ('', '')
    if strip is not None and strip.frames:
        body = _frames(strip)
        sure = f' {percent(strip.truth or 0)}', f' {percent(strip.predicted or 0)}'
    elif strip is not None:
        body = f'<p class="problem">No frames: {text(strip.problem)}</p>'
    if content.labelling is None:
        head, remark = _ranked(content, mistake, sure, one_label)
    else:
        head, remark = _labelled(content, content.labelling, mistake)
    return (
        f'<article><h3>{head}</h3><p class="file" title="{text(file)}">{text(name)}; '
        f'{remark}</p>{body}</article>'
    )


def _ranked(
    content: Content, mistake: Mistake, sure: tuple[str, str], one_label: bool
) -> tuple[str, str]:
    """Heading and remark of a right class that has a lower score than a wrong one."""
    assert mistake.truth is not None and mistake.predicted is not None
    truth, other = content.names[mistake.truth], content.names[mistake.predicted]
    verb = 'taken for' if one_label else 'ranked below'
    head = (
        f'{_colored(truth + sure[0], BLUE)} {verb} {_colored(other + sure[1], _WRONG)}'
    )
    return head, f'the right class has rank {mistake.rank}'


def _labelled(
    content: Content, labelling: Labelling, mistake: Mistake
) -> tuple[str, str]:
    """Heading and remark of labels that were missed, or named and wrong."""
    parts = []
    for number, verb, color in (
        (mistake.truth, 'missed', BLUE),
        (mistake.predicted, 'wrong', _WRONG),
    ):
        if number is not None:
            sure = percent(labelling.confidences[mistake.video, number])
            parts.append(f'{_colored(f"{content.names[number]} {sure}", color)} {verb}')
    lists = {'has': content.labels, 'named': labelling.named}
    remarks = [
        f'{what}: {text(", ".join(_names(content, rows[mistake.video])) or "none")}'
        for what, rows in lists.items()
    ]
    return ', '.join(parts), '; '.join(remarks)


def _names(content: Content, has: np.ndarray) -> list[str]:
    return [content.names[k] for k in np.flatnonzero(has)]


def _colored(words: str, color: str) -> str:
    return f'<span style="color:{color}">{text(words)}</span>'


def _frames(strip: Strip) -> str:
    """Frames over their bars; all bars of a strip have one scale."""
    even = 1 / len(strip.frames)
    top = max([2 * even] + [max(f.truth, f.predicted) for f in strip.frames])
    items = []
    for frame in strip.frames:
        bars = ''.join(
            f'<rect x="{x}" y="{40 - 40 * share / top:.1f}" width="32" '
            f'height="{40 * share / top:.1f}" fill="{color}"/>'
            for x, share, color in (
                (16, frame.truth, BLUE),
                (52, frame.predicted, ORANGE),
            )
        )
        line = 40 - 40 * even / top
        items.append(
            f'<figure><img src="{text(frame.image)}" alt="">'
            '<svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" '
            f'aria-label="{100 * frame.truth:.0f} '
            f'% and {100 * frame.predicted:.0f} %">{bars}<path d="M0 {line:.1f}h100" '
            'stroke="#667" stroke-dasharray="2 4"/></svg>'
            f'<figcaption>{frame.second:.1f} s</figcaption></figure>'
        )
    return f'<div class="strip">{"".join(items)}</div>'
