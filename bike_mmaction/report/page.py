"""The page: everything in one file, which loads nothing from elsewhere."""

from collections.abc import Sequence

import numpy as np

from .advice import Advice, advise
from .content import Content
from .curves import Curves
from .drawing import (
    BLUE,
    ORANGE,
    interval_bar,
    line_chart,
    matrix_table,
    percent,
    table,
    text,
)
from .labels import figures_of_labels, labels_table, mix_ups
from .measures import (
    ClassRow,
    Interval,
    class_rows,
    confused_pairs,
    confusion_matrix,
    interval_of_map,
    label_rows,
    top_k,
    wilson,
)
from .mistakes import mistakes_section
from .style import STYLE

MOST_IN_MATRIX, MOST_PAIRS, OPEN_ROWS = 30, 10, 40


def render(content: Content) -> str:
    """The page as HTML."""
    one_label = content.labels.ndim == 1
    sections = (_one_label if one_label else _several_labels)(content)
    if content.curves is not None:
        sections.append(_curves(content.curves))
    sections.append(_facts(content.facts))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f'<title>{text(content.title)}</title><style>{STYLE}</style></head>'
        f'<body><main><h1>{text(content.title)}</h1>{"".join(sections)}</main>'
        '</body></html>\n'
    )


def _one_label(content: Content) -> list[str]:
    scores, labels = content.scores, content.labels
    matrix = confusion_matrix(scores, labels)
    rows, right = class_rows(matrix), int(np.trace(matrix))
    overall = wilson(right, len(labels))
    pairs = confused_pairs(matrix, MOST_PAIRS)
    gap = None if content.curves is None else content.curves.gap()
    steps = advise(rows, pairs, content.names, overall, content.training, gap)
    further = [('of the videos', f'{right} of {len(labels)}')]
    further.append(('classes', str(len(content.names))))
    if len(content.names) > 10:
        further.append(('top-5', percent(top_k(scores, labels, 5))))
    recalls = [row.recall for row in rows if row.videos]
    further.append(('mean of the classes', percent(float(np.mean(recalls)))))
    return [
        _headline('right', right / len(labels), overall, further),
        _steps(steps),
        _class_table(rows, matrix, content),
        _confusion(matrix, content.names),
        mistakes_section(content, one_label=True),
    ]


def _several_labels(content: Content) -> list[str]:
    scores, truth, labelling = content.scores, content.labels, content.labelling
    rows = label_rows(scores, truth, None if labelling is None else labelling.named)
    tested = [row for row in rows if row.videos]
    value = float(np.mean([row.average_precision for row in tested]))
    interval = interval_of_map(scores, truth)
    chance = float(truth[:, [row.number for row in tested]].mean())
    further = [('videos', str(len(scores))), ('classes', str(len(content.names)))]
    further.append(('by chance', percent(chance)))
    if labelling is not None:
        further += figures_of_labels(labelling, truth)
    steps = advise([], [], content.names, Interval(0, 0), content.training)
    low = [
        content.names[row.number]
        for row in tested[:5]
        if row.average_precision < value / 2
    ]
    if low:
        why = 'Their average precision is less than half of the mean.'
        steps.append(Advice('Look at the clips of these classes', low, why))
    if not steps:
        why = 'No class stands out.'
        steps.append(Advice('Add clips of all classes', [], why))
    return [
        _headline('mean average precision', value, interval, further),
        _steps(steps),
        f'<section><h2>Classes</h2>{_folded(labels_table(rows, content), len(rows))}'
        '</section>',
        *([] if labelling is None else [mix_ups(labelling.named, content)]),
        mistakes_section(content, one_label=False),
    ]


def _headline(
    what: str, value: float, interval: Interval, further: Sequence[tuple[str, str]]
) -> str:
    figures = ''.join(
        f'<div><b>{text(figure)}</b><span>{text(name)}</span></div>'
        for name, figure in further
    )
    return (
        f'<div class="head"><div class="big"><b>{percent(value)}</b> '
        f'<span>{text(what)}</span>{interval_bar(value, interval)}'
        f'<small>95 % interval: {100 * interval.low:.1f} to '
        f'{100 * interval.high:.1f} %</small></div>{figures}</div>'
    )


def _steps(steps: Sequence[Advice]) -> str:
    items = ''.join(
        f'<li><b>{text(step.what)}</b>'
        + _bullets(step.subjects)
        + f'<p>{text(step.why)}</p></li>'
        for step in steps
    )
    return f'<section><h2>What to do next</h2><ol>{items}</ol></section>'


def _bullets(subjects: Sequence[str]) -> str:
    items = ''.join(f'<li>{text(subject)}</li>' for subject in subjects)
    return f'<ul>{items}</ul>' if items else ''


def _class_table(rows: Sequence[ClassRow], matrix: np.ndarray, content: Content) -> str:
    head = ['class', 'right', '', 'of', '95 % interval', 'precision', 'taken for']
    lines = []
    for row in rows:
        others = matrix[row.number].copy()
        others[row.number] = 0
        other = content.names[int(others.argmax())] if others.any() else ''
        lines.append(
            [
                text(content.names[row.number]),
                percent(row.recall),
                interval_bar(row.recall, row.interval),
                str(row.videos),
                f'{100 * row.interval.low:.0f} to {100 * row.interval.high:.0f} %'
                if row.videos
                else '–',
                percent(row.precision),
                f'{text(other)} ({others.max()})' if other else '',
            ]
        )
    if content.training is not None:
        head.append('clips to train')
        lines = [[*c, str(content.training[r.number])] for c, r in zip(lines, rows)]
    return (
        '<section><h2>Classes</h2><p>The least recognized first. Precision: how many '
        'of the answers of this class are right.</p>'
        f'{_folded(table(head, lines, "classes"), len(rows))}</section>'
    )


def _folded(html: str, rows: int) -> str:
    if rows <= OPEN_ROWS:
        return html
    return f'<details><summary>All {rows} classes</summary>{html}</details>'


def _confusion(matrix: np.ndarray, names: Sequence[str]) -> str:
    parts = []
    if len(names) <= MOST_IN_MATRIX:
        parts.append(
            '<p>A row: the videos of a class. A column: what they were taken for, by '
            f'the number of the class.</p>{matrix_table(matrix, names)}'
        )
    pairs = confused_pairs(matrix, MOST_PAIRS)
    pairs = [p for p in pairs if p.videos > 1] or pairs  # once is chance
    if pairs:
        totals = matrix.sum(axis=1)
        rows = [
            [
                text(names[p.truth]),
                text(names[p.predicted]),
                f'{p.videos} of {totals[p.truth]}',
            ]
            for p in pairs
        ]
        parts.append('<h3>Most often confused</h3>')
        parts.append(table(['videos of', 'were taken for', 'how many'], rows))
    return f'<section><h2>What is taken for what</h2>{"".join(parts)}</section>'


def _curves(curves: Curves) -> str:
    charts = []
    if curves.loss:
        top = max(y for _, y in curves.loss) or 1.0
        lines = [('in training', BLUE, curves.loss)]
        charts.append(line_chart('Loss', curves.unit, lines, top))
    lines = [
        (name, color, points)
        for name, color, points in (
            ('training, a few clips each', '#9fb8cf', curves.training),
            (f'validation ({curves.metric})', ORANGE, curves.validation),
        )
        if points
    ]
    if lines:
        charts.append(line_chart('Accuracy', curves.unit, lines, 1))
    best = ''
    if curves.validation:
        place, value = max(curves.validation, key=lambda p: (p[1], -p[0]))
        best = (
            f'<p>Best on the validation part: {percent(value)} after '
            f'{text(curves.unit)} {place:g}.</p>'
        )
    return (
        f'<section><h2>How the training went</h2>{best}'
        f'<div class="charts">{"".join(charts)}</div></section>'
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = ''.join(
        f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>'
        for name, value in facts
    )
    return (
        '<section><h2>Measured on</h2><div class="scroll"><table class="facts">'
        f'{rows}</table></div><p>Intervals are Wilson&#39;s, of shares; of mean '
        'average precision they come from draws with replacement (bootstrap). '
        'They tell how well the figure is known for videos like these, not how the '
        'model does on others.</p></section>'
    )
