"""Rows of the published tables, their figures, and the authors' logs."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from .index import Index

README = "authors' README"
# Which published tables make a table here.
TABLES = {
    'general': {'1', '2', '3', README},
    'few-shot': {'4'},
    'zero-shot': {'5', README},
    'ablations': {'6a', '6b', '6c', '6d', '6e', '6f', '6g'},
    'multi-view': {'6i'},
    'demo': {'Demo'},
}
TITLES = {
    'general': "Tables 1 to 3 of the paper, and the authors' README",
    'few-shot': 'Table 4 of the paper',
    'zero-shot': "Table 5 of the paper, with the decimals of the authors' README",
    'ablations': 'Tables 6a to 6g of the paper',
    'multi-view': 'Table 6i of the paper',
    'demo': 'The demo, see docs/demo.md',
}
VOTES = {'frames': 'frames vote', 'video': 'whole videos vote'}
DEVIATION = ' Standard Deviation'
# Of a metric: its short name, its key in the results of a test, and the key
# of its standard deviation, where a test has one.
METRICS = {
    'Top 1 Accuracy': ('top-1', 'acc/top1', None),
    'Attributes Branch Top 1 Accuracy': ('top-1 of A', 'attributes/top1', None),
    'mAP': ('mAP', 'acc/mAP', None),
    'Full-classes Top 1 Accuracy': (
        'all classes',
        'zero_shot_{evaluator}/full_top1',
        None,
    ),
    'Half-classes Top 1 Accuracy': (
        'half of the classes',
        'zero_shot_{evaluator}/half_top1_mean',
        'zero_shot_{evaluator}/half_top1_std',
    ),
}


class Figure(NamedTuple):
    """A published figure, in %.

    Attributes:
        metric (str): Its name in the index, a key of ``METRICS``.
        value (float): The figure.
        deviation (float, optional): Its standard deviation.
    """

    metric: str
    value: float
    deviation: Optional[float] = None

    def __str__(self) -> str:
        if self.deviation is None:
            return str(self.value)
        return f'{self.value} ± {self.deviation}'


class Row(NamedTuple):
    """A row of a table: a model tested with some views.

    Attributes:
        entry (dict): Of the model, in the index.
        views (str): Temporal clips x spatial crops.
        source (str): Where the figures are published.
        figures (tuple[Figure]): What is published.
    """

    entry: dict
    views: str
    source: str
    figures: tuple[Figure, ...]

    @property
    def name(self) -> str:
        """Of the model."""
        return self.entry['Name']


def result_of(entry: dict) -> dict:
    """Data set, task and published figures of a model."""
    return entry['Results'][0]


def figures_of(metrics: dict[str, float]) -> tuple[Figure, ...]:
    """Figures with their deviations."""
    return tuple(
        Figure(name, value, metrics.get(f'{name}{DEVIATION}'))
        for name, value in metrics.items()
        if not name.endswith(DEVIATION)
    )


def published(entry: dict) -> list[Row]:
    """All that is published of a model: rows with one view come first."""
    result, metadata = result_of(entry), entry['Metadata']
    first = dict(
        Metrics=result['Metrics'], **{'Published In': metadata.get('Published In', '')}
    )
    rows = [
        Row(
            entry,
            given.get('Views') or metadata['Inference Views'],
            given['Published In'],
            figures_of(given['Metrics']),
        )
        for given in (first, *result.get('Further Figures', ()))
        if given['Metrics']
    ]
    return sorted(rows, key=lambda row: row.views)


def tables_of(row: Row) -> list[str]:
    """The tables that a row belongs to."""
    places = set(re.findall(rf'\b\d[a-i]?\b|Demo|{README}', row.source))
    zero_shot = result_of(row.entry)['Task'].startswith('Zero-Shot')
    return [
        table
        for table, sources in TABLES.items()
        if sources & places
        and (README not in sources or (table == 'zero-shot') == zero_shot)
    ]


def rows_of(index: Index, table: str) -> list[Row]:
    """The rows of a table, in the order of the index.

    Raises:
        ValueError: if there is no such table, or no row of it in the index.
    """
    if table not in TABLES:
        raise ValueError(f"table '{table}' is unknown; choose from {tuple(TABLES)}")
    rows = [
        row
        for entry in index.entries.values()
        for row in published(entry)
        if table in tables_of(row)
    ]
    if not rows:
        raise ValueError(f"'{index.path}' has no row of the table '{table}'")
    return rows


def select(rows: Sequence[Row], names: Optional[Sequence[str]]) -> list[Row]:
    """The rows of some models; of all where no names are given.

    Raises:
        ValueError: if none is of a model; names those that are.
    """
    known = {row.name for row in rows}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(
            f"the table has no row '{unknown[0]}'; its rows are "
            f'{", ".join(sorted(known))}'
        )
    return [row for row in rows if not names or row.name in names]


def input_size(entry: dict) -> str:
    """Frames and pixels, such as 16x224²."""
    size = entry['Metadata']['Resolution'].split('x')[0]
    return f'{entry["Metadata"]["Frames"]}x{size}²'


def describe_row(row: Row) -> str:
    """What is measured, in words: 'UCF-101, split 1, ViT-L/14, 16x224²'."""
    metadata = row.entry['Metadata']
    words = [result_of(row.entry)['Dataset']]
    for key, text in (('Split', 'split {}'), ('Shots', '{}-shot'), ('Branches', '{}')):
        if key in metadata:
            words.append(text.format(metadata[key]))
    words += [metadata['Architecture'], input_size(row.entry)]
    votes = VOTES.get(metadata.get('Evaluator'))
    return ', '.join(filter(None, [*words, votes, metadata.get('Description')]))


def log_figures(entry: dict, metric: str) -> str:
    """Best and last epoch by the authors' log: '82.93 / 82.88', or ''."""
    log = result_of(entry).get('Authors Log', {})
    accuracies = [log.get(when, {}).get(metric) for when in ('Best', 'Last')]
    if accuracies == [None, None]:
        return ''
    return ' / '.join('—' if v is None else f'{v:.2f}' for v in accuracies)


def log_time(entry: dict) -> str:
    """What training took by the authors' log: '13.9 h, 32 GPUs', or ''."""
    log = result_of(entry).get('Authors Log', {})
    if 'Hours' not in log:
        return ''
    gpus = f'{log["GPUs"]} GPUs' if 'GPUs' in log else 'GPUs not known'
    return f'{log["Hours"]} h, {gpus}'
