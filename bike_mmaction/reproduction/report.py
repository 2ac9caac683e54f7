"""The reproduced table: what is published and what is measured of a row."""

import os.path as osp
from collections.abc import Sequence
from typing import Callable, Optional

from ..evaluation.results import average, latex, markdown
from ..files import write_json, write_text
from .plan import PlannedRow, read_json
from .remarks import CHOICES, LOG, remarks_of
from .rows import (
    METRICS,
    TITLES,
    Figure,
    describe_row,
    input_size,
    log_figures,
    result_of,
)
from .settings import PRETRAINED, Settings

HEAD = (
    'row',
    'config',
    'views',
    'metric',
    'published',
    "authors' log",
    'measured',
    'difference',
    'videos',
    'checkpoint',
    'notes',
)
TEXTS = 4  # columns of text, at the left


def report(
    planned: Sequence[PlannedRow], failures: dict[str, str], settings: Settings
) -> list[dict]:
    """All that is known of the rows, for JSON and :func:`cells`.

    Args:
        planned (Sequence[PlannedRow]): As they are now.
        failures (dict[str, str]): Why a row has failed, by its folder.
        settings (Settings): Of the user.
    """
    rows = [_report_row(row, failures.get(row.folder), settings) for row in planned]
    return rows + means_of_splits(planned, rows)


def _report_row(
    planned: PlannedRow, failure: Optional[str], settings: Settings
) -> dict:
    row, results = planned.row, planned.results or {}
    reported = dict(
        row=describe_row(row),
        model=row.name,
        config=row.entry['Config'],
        views=row.views,
        published_in=row.source,
        state='failed' if failure else planned.state,
        figures=[
            compare(row.entry, figure, results.get('metrics', {}))
            for figure in row.figures
        ],
        remarks=remarks_of(planned, failure, settings),
    )
    done = read_json(osp.join(planned.folder, 'done.json'))
    if results and done:
        reported.update(
            videos=dict(
                evaluated=results['videos']['evaluated'],
                listed=results['list']['videos'],
                official=result_of(row.entry).get('Videos'),
            ),
            list=results['list'],
            checkpoint=results['checkpoint'] or dict(file=PRETRAINED),
            results=osp.relpath(
                osp.join(planned.folder, done['results']), settings.work_dir
            ),
        )
    return reported


def compare(entry: dict, figure: Figure, metrics: dict[str, float]) -> dict:
    """A published figure beside the log and what was measured, in %."""
    log = result_of(entry).get('Authors Log', {})
    name, *keys = METRICS[figure.metric]
    keys = [
        key and key.format(evaluator=entry['Metadata'].get('Evaluator')) for key in keys
    ]
    measured, deviation = (
        100 * metrics[key] if key in metrics else None for key in keys
    )
    return dict(
        metric=name,
        published=figure.value,
        published_deviation=figure.deviation,
        authors_log=log_figures(entry, figure.metric),
        log_views=log.get('Views'),
        measured=measured,
        measured_deviation=deviation,
        difference=None if measured is None else measured - figure.value,
    )


def means_of_splits(planned: Sequence[PlannedRow], rows: Sequence[dict]) -> list[dict]:
    """Mean and deviation where several splits of a data set are tested."""
    groups: dict[tuple, list[int]] = {}
    for number, row in enumerate(p.row for p in planned):
        if 'Split' in row.entry['Metadata']:
            same = (
                result_of(row.entry)['Dataset'],
                row.views,
                row.source,
                row.entry['Metadata'].get('Shots'),
                input_size(row.entry),
                tuple(figure.metric for figure in row.figures),
            )
            groups.setdefault(same, []).append(number)
    return [
        _mean(same[0], [rows[i] for i in members])
        for same, members in groups.items()
        if len(members) > 1
    ]


def _mean(dataset: str, rows: Sequence[dict]) -> dict:
    figures = []
    for of_metric in zip(*(row['figures'] for row in rows)):
        averages = {
            key: average([{key: figure[key]} for figure in of_metric])
            for key in ('published', 'measured')
        }
        figure = dict(
            of_metric[0],
            authors_log='',
            **{
                f'{key}{ending}': values.get(f'{key}{statistic}')
                for key, values in averages.items()
                for ending, statistic in (('', '_mean'), ('_deviation', '_std'))
            },
        )
        if figure['measured'] is not None:
            figure['difference'] = figure['measured'] - figure['published']
        figures.append(figure)
    return dict(
        row=f'{dataset}, mean of {len(rows)} splits',
        config='',
        views=rows[0]['views'],
        state='',
        figures=figures,
        remarks=[],
    )


def cells(rows: Sequence[dict], notes: list[str]) -> list[list[str]]:
    """The table, a line a figure.

    Args:
        rows (Sequence[dict]): See :func:`report`.
        notes (list[str]): Remarks are added, and stand in the table by their
            number.
    """
    lines = [list(HEAD)]
    for row in rows:
        for remark in row['remarks']:
            if remark not in notes:
                notes.append(remark)
        numbers = ' '.join(f'[{notes.index(r) + 1}]' for r in row['remarks'])
        for figure in row['figures']:
            lines.append(
                [
                    row['row'],
                    osp.splitext(osp.basename(row['config']))[0],
                    row['views'],
                    figure['metric'],
                    *_figure_cells(figure),
                    _videos(row),
                    _checkpoint(row),
                    numbers,
                ]
            )
    return lines


def _figure_cells(figure: dict) -> list[str]:
    published = _with_deviation(_as_published, figure, 'published')
    log = figure['authors_log']
    if log:
        log = f'{log} ({figure["log_views"]})'
    if figure['measured'] is None:
        return [published, log, '', '']
    measured = _with_deviation('{:.2f}'.format, figure, 'measured')
    return [published, log, measured, f'{figure["difference"]:+.2f}']


def _with_deviation(form: Callable[[float], str], figure: dict, key: str) -> str:
    values = figure[key], figure[f'{key}_deviation']
    return ' ± '.join(form(value) for value in values if value is not None)


def _as_published(value: float) -> str:
    """With the decimals of the index, but of a mean with two."""
    return str(value) if value == round(value, 2) else f'{value:.2f}'


def _videos(row: dict) -> str:
    if 'videos' not in row:
        return ''
    return f'{row["videos"]["evaluated"]} of {row["videos"]["listed"]}'


def _checkpoint(row: dict) -> str:
    checkpoint = row.get('checkpoint', {})
    return checkpoint.get('sha256', checkpoint.get('file', ''))[:12]


def write_report(table: str, rows: Sequence[dict], work_dir: str) -> str:
    """Write a reproduced table as JSON, Markdown and LaTeX.

    Returns:
        str: The table in Markdown, with its notes.
    """
    remarks: list[str] = []
    lines = cells(rows, remarks)
    notes = [CHOICES[table]]
    if any(figure['authors_log'] for row in rows for figure in row['figures']):
        notes.insert(0, LOG)
    notes += [f'[{i}] {remark}' for i, remark in enumerate(remarks, 1)]
    text = '\n\n'.join(
        [f'# {table}: {TITLES[table]}', 'In %.', markdown(lines), *notes]
    )
    comments = ''.join(f'% {note}\n' for note in notes)
    stem = osp.join(work_dir, table)
    write_json(f'{stem}.json', dict(table=table, rows=rows))
    for ending, content in (
        ('md', f'{text}\n'),
        ('tex', f'{latex(lines, TEXTS)}\n{comments}'),
    ):
        write_text(f'{stem}.{ending}', content)
    return text
