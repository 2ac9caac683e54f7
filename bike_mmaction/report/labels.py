"""Where a video may have several labels: figures and tables of the page."""

from collections.abc import Sequence

import numpy as np

from ..evaluation.label_calibration import compare_labels
from .content import Content, Labelling
from .drawing import interval_bar, percent, table, text
from .measures import Interval, LabelRow, mixed_up

MOST_PAIRS = 10


def figures_of_labels(labelling: Labelling, truth: np.ndarray) -> list[tuple[str, str]]:
    """How good the labels at the threshold are, for the head of the page."""
    labels = compare_labels(labelling.named, truth)
    whole = float((labelling.named == truth).all(axis=1).mean())
    return [
        (f'F1 of labels from {100 * labelling.threshold:.4g} % on', percent(labels.f1)),
        ('of the labels named are right', percent(labels.precision)),
        ('of the right labels are named', percent(labels.recall)),
        ('of videos have all labels right', percent(whole)),
    ]


def labels_table(rows: Sequence[LabelRow], content: Content) -> str:
    """A row for each class."""
    head = ['class', 'average precision', '', 'videos']
    with_labels = content.labelling is not None
    head += ['F1', 'precision', 'recall'] * with_labels
    head += ['clips to train'] * (content.training is not None)
    lines = []
    for row in rows:
        cells = [
            text(content.names[row.number]),
            percent(row.average_precision),
            interval_bar(row.average_precision, Interval(0, 0)),
            str(row.videos),
        ]
        if row.labels is not None:
            cells += [percent(value) if row.videos else '–' for value in row.labels]
        if content.training is not None:
            cells.append(str(content.training[row.number]))
        lines.append(cells)
    return table(head, lines, 'labels')


def mix_ups(named: np.ndarray, content: Content) -> str:
    """Classes that were missed where others were named wrongly."""
    pairs = mixed_up(named, content.labels, MOST_PAIRS)
    if not pairs:
        return ''
    pairs = [p for p in pairs if p.videos > 1] or pairs  # once is chance
    rows = [
        [text(content.names[p.truth]), text(content.names[p.predicted]), str(p.videos)]
        for p in pairs
    ]
    return (
        '<section><h2>What is taken for what</h2><p>One class was missed, and another '
        'named wrongly in the same video.</p>'
        f'{table(["missed", "named wrongly", "videos"], rows)}</section>'
    )
