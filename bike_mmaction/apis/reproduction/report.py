"""The reproduced table: what is published and what is measured of a row."""
import os
import os.path as osp
from typing import Dict, List, Optional, Sequence

from ...evaluation.results import average, latex, markdown, write_json
from .index import (METRICS, TITLES, Figure, describe_row, input_size,
                    log_figures, result_of)
from .plan import PlannedRow, read_json
from .settings import PRETRAINED, Settings

HEAD = ('row', 'config', 'views', 'metric', 'published', "authors' log",
        'measured', 'difference', 'videos', 'checkpoint', 'notes')
TEXTS = 4  # columns of text, at the left
LOG = ("Authors' log: best epoch on the test set / last epoch, with the views "
       'in brackets. Measured is the last epoch, unless another checkpoint '
       'was given.')
# What makes a difference, besides the notes of the rows; more in
# docs/model_zoo.md.
CHOICES = {
    'general':
    'Published figures are often those of the best epoch on the test set. '
    'Of V+A, V and A are each from its best epoch. The published mAP of '
    'Charades is a mean over batches, 0.5 to 1.3 above that of all videos, '
    'which is measured here; that of ActivityNet is of one more softmax in '
    'float32.',
    'few-shot':
    'In the published runs each of the 8 processes drew shots of its own, '
    'about 14 different videos a class in "2-shot" HMDB-51; here all draw the '
    'same. Expect lower figures.',
    'zero-shot':
    'Published over whole data sets (UCF-101, HMDB-51, ActivityNet), and over '
    'the test part of Kinetics-600.',
    'ablations':
    'Published figures are often those of the best epoch on the test set. '
    'Of V+A, V and A are each from its best epoch.',
    'multi-view':
    'Published figures are often those of the best epoch on the test set. '
    'Of V+A, V and A are each from its best epoch.',
    'demo':
    'Published is mean ± standard deviation over seeds, measured is one '
    'seed.'
}


def report(planned: Sequence[PlannedRow], failures: Dict[str, str],
           settings: Settings) -> List[dict]:
    """All that is known of the rows, for JSON and :func:`cells`.

    Args:
        planned (Sequence[PlannedRow]): As they are now.
        failures (dict[str, str]): Why a row has failed, by its folder.
        settings (Settings): Of the user.
    """
    rows = [
        _report_row(row, failures.get(row.folder), settings) for row in planned
    ]
    return rows + _means_of_splits(planned, rows)


def _report_row(planned: PlannedRow, failure: Optional[str],
                settings: Settings) -> dict:
    row, results = planned.row, planned.results or {}
    found = dict(
        row=describe_row(row),
        model=row.name,
        config=row.entry['Config'],
        views=row.views,
        published_in=row.source,
        state='failed' if failure else planned.state,
        figures=[
            _compare(row.entry, figure, results.get('metrics', {}))
            for figure in row.figures
        ],
        remarks=_remarks(planned, failure, settings))
    if results:
        found.update(
            videos=dict(
                evaluated=results['videos']['evaluated'],
                listed=results['list']['videos'],
                official=result_of(row.entry).get('Videos')),
            list=results['list'],
            checkpoint=results['checkpoint'] or dict(file=PRETRAINED),
            results=osp.relpath(
                osp.join(
                    planned.folder,
                    read_json(osp.join(planned.folder,
                                       'done.json'))['results']),
                settings.work_dir))
    return found


def _compare(entry: dict, figure: Figure, metrics: Dict[str, float]) -> dict:
    """A published figure beside the log and what was measured, in %."""
    log = result_of(entry).get('Authors Log', {})
    name, *keys = METRICS[figure.metric]
    keys = [
        key and key.format(evaluator=entry['Metadata'].get('Evaluator'))
        for key in keys
    ]
    measured, deviation = (100 * metrics[key] if key in metrics else None
                           for key in keys)
    return dict(
        metric=name,
        published=figure.value,
        published_deviation=figure.deviation,
        authors_log=log_figures(entry, figure.metric),
        log_views=log.get('Views'),
        measured=measured,
        measured_deviation=deviation,
        difference=None if measured is None else measured - figure.value)


def _remarks(planned: PlannedRow, failure: Optional[str],
             settings: Settings) -> List[str]:
    """What a reader of the row must know."""
    if failure:
        return [f'failed: {failure}']
    if planned.missing and not planned.results:
        weights = planned.weights
        return [
            f'missing: {need.what}; {need.how}' for need in planned.lacking
        ] + ([
            f'missing: a checkpoint, {osp.basename(weights.file)} of '
            f'{weights.trainings[-1].name if weights.trainings else ""}'
        ] if weights.missing else []) + [
            f'missing to train it: {need.what}; {need.how}'
            for need in weights.missing if need not in planned.lacking
        ]
    if not planned.results:
        return ['not run yet']
    return [
        *_remarks_on_videos(planned), *_remarks_on_weights(planned, settings)
    ]


def _remarks_on_videos(planned: PlannedRow) -> List[str]:
    results, found = planned.results, []
    listed = results['list']['videos']
    evaluated = results['videos']['evaluated']
    official = result_of(planned.row.entry).get('Videos')
    if evaluated < listed:
        found.append(f'only {evaluated} of {listed} listed videos could be '
                     'read')
    if official and listed != official:
        found.append(f'the list (fingerprint {results["list"]["fingerprint"]})'
                     f' has {listed} videos, not the official {official}')
    if results['views'] != planned.row.views:
        found.append(f'tested with the views {results["views"]}')
    return found


def _remarks_on_weights(planned: PlannedRow, settings: Settings) -> List[str]:
    results, found = planned.results, []
    if results['checkpoint'] is None:
        own = results['model'].get('pretrained')
        found.append("not trained: CLIP's own weights"
                     if own else 'not trained: random weights')
        if own and planned.config.model.get('neck'):
            found.append('the temporal transformer is random')
    if settings.cfg_options:
        found.append('with ' +
                     ' '.join(f'{k}={v}'
                              for k, v in settings.cfg_options.items()))
    begun = read_json(
        osp.join(osp.dirname(planned.weights.file), 'begun.json'))
    if begun and begun['total_batch'] != begun['published_batch']:
        found.append(f"trained with {begun['total_batch']} videos a step, not "
                     f"{begun['published_batch']}")
    return found


def _means_of_splits(planned: Sequence[PlannedRow],
                     rows: Sequence[dict]) -> List[dict]:
    """Mean and deviation where several splits of a data set are tested."""
    groups: Dict[tuple, List[int]] = {}
    for number, row in enumerate(p.row for p in planned):
        if 'Split' in row.entry['Metadata']:
            same = (result_of(row.entry)['Dataset'], row.views, row.source,
                    row.entry['Metadata'].get('Shots'), input_size(row.entry),
                    tuple(figure.metric for figure in row.figures))
            groups.setdefault(same, []).append(number)
    return [
        _mean(same[0], [rows[i] for i in members])
        for same, members in groups.items() if len(members) > 1
    ]


def _mean(dataset: str, rows: Sequence[dict]) -> dict:
    figures = []
    for of_metric in zip(*(row['figures'] for row in rows)):
        found = {
            key: average([{
                key: figure[key]
            } for figure in of_metric])
            for key in ('published', 'measured')
        }
        figure = dict(
            of_metric[0],
            authors_log='',
            **{
                f'{key}{ending}': values.get(f'{key}{statistic}')
                for key, values in found.items()
                for ending, statistic in (('', '_mean'), ('_deviation',
                                                          '_std'))
            })
        if figure['measured'] is not None:
            figure['difference'] = figure['measured'] - figure['published']
        figures.append(figure)
    return dict(
        row=f'{dataset}, mean of {len(rows)} splits',
        config='',
        views=rows[0]['views'],
        state='',
        figures=figures,
        remarks=[])


def cells(rows: Sequence[dict], notes: List[str]) -> List[List[str]]:
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
            lines.append([
                row['row'],
                osp.splitext(osp.basename(row['config']))[0], row['views'],
                figure['metric'], *_figure_cells(figure),
                _videos(row),
                _checkpoint(row), numbers
            ])
    return lines


def _figure_cells(figure: dict) -> List[str]:
    published = _with_deviation('{:.4g}', figure['published'],
                                figure['published_deviation'])
    log = figure['authors_log']
    if log:
        log = f"{log} ({figure['log_views']})"
    if figure['measured'] is None:
        return [published, log, '', '']
    return [
        published, log,
        _with_deviation('{:.2f}', figure['measured'],
                        figure['measured_deviation']),
        f"{figure['difference']:+.2f}"
    ]


def _with_deviation(form: str, value: float,
                    deviation: Optional[float]) -> str:
    text = form.format(value)
    return text if deviation is None else f'{text} ± {form.format(deviation)}'


def _videos(row: dict) -> str:
    if 'videos' not in row:
        return ''
    return f"{row['videos']['evaluated']} of {row['videos']['listed']}"


def _checkpoint(row: dict) -> str:
    found = row.get('checkpoint', {})
    return found.get('sha256', found.get('file', ''))[:12]


def write_report(table: str, rows: Sequence[dict], work_dir: str) -> str:
    """Write a reproduced table as JSON, Markdown and LaTeX.

    Returns:
        str: The table in Markdown, with its notes.
    """
    notes: List[str] = []
    lines = cells(rows, notes)
    numbered = [f'[{i}] {note}' for i, note in enumerate(notes, 1)]
    text = '\n\n'.join([
        f'# {table}: {TITLES[table]}', 'In %.',
        markdown(lines), LOG, CHOICES[table], *numbered
    ])
    stem = osp.join(work_dir, table)
    os.makedirs(work_dir, exist_ok=True)
    write_json(f'{stem}.json', dict(table=table, rows=rows))
    comments = ''.join(f'% {line}\n' for line in (LOG, *numbered))
    for path, content in ((f'{stem}.md', f'{text}\n'),
                          (f'{stem}.tex',
                           f'{latex(lines, TEXTS)}\n{comments}')):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(content)
    return text
