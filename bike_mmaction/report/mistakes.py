"""The worst mistakes, as a section of the page."""

import os.path as osp
from typing import Optional

from .content import Content
from .drawing import BLUE, ORANGE, percent, text
from .measures import Mistake
from .strips import Strip


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
    return (
        '<section><h2>Worst mistakes</h2><p>A wrong class had a much higher score than '
        f'a right one; the worst first.</p>{note}{legend}{items}</section>'
    )


def _mistake(
    content: Content, mistake: Mistake, strip: Optional[Strip], one_label: bool
) -> str:
    truth, other = content.names[mistake.truth], content.names[mistake.predicted]
    file = content.files[mistake.video]
    short = osp.join(*file.replace('\\', '/').split('/')[-2:]) if file else ''
    name = short or f'video {mistake.video + 1} of the list'
    body, sure = '', ('', '')
    verb = 'taken for' if one_label else 'ranked below'
    if strip is not None and strip.frames:
        body = _frames(strip)
        sure = f' {percent(strip.truth or 0)}', f' {percent(strip.predicted or 0)}'
    elif strip is not None:
        body = f'<p class="problem">No frames: {text(strip.problem)}</p>'
    return (
        '<article><h3>'
        f'<span style="color:{BLUE}">{text(truth)}{sure[0]}</span> '
        f'{verb} <span style="color:#b35300">{text(other)}{sure[1]}</span></h3>'
        f'<p class="file" title="{text(file)}">{text(name)}; the right class has '
        f'rank {mistake.rank}</p>{body}</article>'
    )


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
