"""What a test leaves behind: results as JSON, and as tables."""

import json
import os.path as osp
import re
from collections.abc import Sequence
from typing import Optional

import numpy as np
import torch
from mmengine.dist import is_main_process, master_only
from mmengine.logging import print_log

from ..datasets.bad_videos import as_list
from ..datasets.class_names import HEADS
from ..datasets.embedding_store import pipeline_behind
from ..datasets.entries import entry_of, has_label, innermost
from ..datasets.pipeline_access import unwrapped
from ..datasets.views import views_of
from ..files import file_sha256, sha256, without_video_extension, write_json, write_text
from ..models.interpolation import InterpolateWeights
from ..models.text_head import TextHead
from ..models.wrappers import unwrap_model
from ..version import __version__

Metrics = dict[str, float]


def list_fingerprint(dataset) -> str:
    """Identify what a data set holds: which videos with which labels.

    Neither the order nor the folder of the data set counts, nor whether it
    holds video files or their frames.

    Args:
        dataset (BaseDataset): Of MMAction2.

    Returns:
        str: The first 12 hexadecimal digits of a SHA-256.
    """
    return _look_through(dataset)[0]


def _look_through(dataset) -> tuple[str, int]:
    """Fingerprint of a data set, and how many of its videos have no label."""
    lines, unlabelled = [], 0
    for info in map(dataset.get_data_info, range(len(dataset))):
        path, *rest = entry_of(info, dataset.data_prefix.values())
        if 'total_frames' in info and 'offset' not in info:
            rest = rest[1:]
        lines.append(json.dumps([without_video_extension(path), *rest]))
        unlabelled += not has_label(info)
    return sha256('\n'.join(sorted(lines)))[:12], unlabelled


def describe_checkpoint(runner) -> Optional[dict]:
    """Which weights were tested; None without a file.

    Returns:
        dict: ``file``, and in the main process its ``sha256``.
    """
    path = runner._load_from
    if not path:
        return None
    checkpoint = dict(file=path)
    if osp.isfile(path) and is_main_process():
        checkpoint['sha256'] = file_sha256(path)
    return checkpoint


def describe_model(runner) -> dict:
    """What a test may change of a model without training it."""
    model = unwrap_model(runner.model)
    backbone = getattr(model, 'backbone', None)
    description = dict(pretrained=getattr(backbone, 'pretrained', None))
    for name in reversed(HEADS):
        head = getattr(model, name, None)
        if isinstance(head, TextHead):
            names = '\n'.join(head.class_names)
            description.update(
                prompt=head.prompt,
                classes=len(head.class_names),
                class_names_sha256=sha256(names),
            )
    for hook in runner.hooks:
        if isinstance(hook, InterpolateWeights):
            description['interpolate'] = hook.weight
    return description


def describe_list(dataset) -> dict:
    """The list that was tested.

    Returns:
        dict: ``file``, ``videos``, ``fingerprint``; and ``without_label``,
        where there are such videos, their number.
    """
    inner = innermost(dataset)
    fingerprint, unlabelled = _look_through(inner)
    description = dict(
        file=inner.ann_file, videos=len(dataset), fingerprint=fingerprint
    )
    if unlabelled:
        description['without_label'] = unlabelled
    return description


def describe_test(
    runner,
    dataset,
    metrics: Metrics,
    unreadable: Sequence[str],
    damaged: dict[str, str],
) -> dict:
    """All that is written of a test, see :func:`write_results`.

    Args:
        runner (Runner): Of the test.
        dataset (BaseDataset): What was tested.
        metrics (dict[str, float]): With the counts of a :class:`.VideoCount`.
        unreadable (Sequence[str]): Why videos were not evaluated.
        damaged (dict[str, str]): By file, what is missing of those that were.
    """
    given = unwrapped(runner.cfg.get('test_dataloader', {}))
    counts = {k: v for k, v in metrics.items() if k.startswith('videos/')}
    return dict(
        config=runner.cfg.filename,
        metrics={k: v for k, v in metrics.items() if k not in counts},
        list=describe_list(dataset),
        videos=dict(
            {k.split('/')[-1]: v for k, v in counts.items()}, damaged=len(damaged)
        ),
        unreadable=list(unreadable),
        damaged=as_list(damaged),
        views=views_of(pipeline_behind(given.get('pipeline', ()))),
        checkpoint=describe_checkpoint(runner),
        model=describe_model(runner),
        versions=dict(bike_mmaction=__version__, torch=torch.__version__),
    )


@master_only
def write_results(runner, results: dict) -> None:
    """Write ``results.json``, ``.md`` and ``.tex`` beside the log of a test.

    Args:
        runner (Runner): Of the test.
        results (dict): See :func:`describe_test`.
    """
    path = osp.join(runner.log_dir, 'results.json')
    write_json(path, results)
    name = osp.splitext(osp.basename(runner.cfg.filename or 'model'))[0]
    write_tables(path, [row_of(name, results)], _remark(results['videos']))
    listed, counts = results['list'], results['videos']
    unlabelled = listed.get('without_label')
    unlabelled = f' ({unlabelled} without any label)' if unlabelled else ''
    print_log(
        f"Tested on '{listed['file']}': {listed['videos']} videos{unlabelled},"
        f' list fingerprint {listed["fingerprint"]}; '
        f'{", ".join(f"{v} {k}" for k, v in counts.items())}; '
        f'views {results["views"] or "not known"}. Results: {path}',
        'current',
    )


def row_of(name: str, results: dict) -> tuple:
    """A row of :func:`write_tables`."""
    videos = f'{results["videos"]["evaluated"]} of {results["list"]["videos"]}'
    return name, results['views'], videos, results['metrics']


def _remark(counts: dict[str, int]) -> str:
    """What stands below a table of videos of which not all are sound."""
    words = dict(
        missing='missing', undecodable='undecodable', damaged='damaged but evaluated'
    )
    parts = [f'{counts[key]} {word}' for key, word in words.items() if counts.get(key)]
    return f'Videos: {", ".join(parts)}; results.json names them.' if parts else ''


def write_tables(path: str, rows: Sequence[tuple], remark: str = '') -> None:
    """Write a table in Markdown and in LaTeX beside a JSON file.

    Args:
        path (str): Of the JSON file.
        rows (Sequence[tuple]): Name, views, videos and metrics of each row.
        remark (str): A line below the one in Markdown. Defaults to ''.
    """
    stem = osp.splitext(path)[0]
    end = f'\n{remark}\n' if remark else ''
    write_text(f'{stem}.md', markdown_table(rows) + '\n' + end)
    write_text(f'{stem}.tex', latex_table(rows) + '\n')


def average(runs: Sequence[Metrics]) -> Metrics:
    """Mean and standard deviation over runs, such as the splits of a data set.

    Args:
        runs (Sequence[dict[str, float]]): Metrics of each; only numbers that
            all of them have count.

    Returns:
        dict[str, float]: ``*_mean`` and ``*_std``, the latter as published
        for the three splits of Kinetics-600: of the population (ddof 0).
    """
    averages = {}
    for key in runs[0]:
        values = [run[key] for run in runs if key in run]
        numbers = all(isinstance(v, (int, float, np.number)) for v in values)
        if numbers and len(values) == len(runs):
            averages[f'{key}_mean'] = float(np.mean(values))
            averages[f'{key}_std'] = float(np.std(values))
    return averages


def markdown_table(rows: Sequence[tuple]) -> str:
    """Results in %, as a table in Markdown; see :func:`write_tables`."""
    return markdown(_cells(rows))


def latex_table(rows: Sequence[tuple]) -> str:
    """Results in %, as a table in LaTeX (package booktabs)."""
    return latex(_cells(rows), 3)


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        cells (Sequence[Sequence[str]]): Its lines, the first is the head.
    """
    head, *body = cells
    lines = [head, ['---'] * len(head), *body]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def latex(cells: Sequence[Sequence[str]], texts: int) -> str:
    """A table in LaTeX (package booktabs).

    Args:
        cells (Sequence[Sequence[str]]): Its lines, the first is the head.
        texts (int): How many of the first columns hold text, not numbers.
    """
    head, *body = [
        [re.sub(r'([_%&#])', r'\\\1', cell).replace('±', r'$\pm$') for cell in row]
        for row in cells
    ]
    columns = 'l' * texts + 'r' * (len(head) - texts)
    lines = [rf'\begin{{tabular}}{{{columns}}}', r'\toprule']
    lines += [' & '.join(head) + r' \\', r'\midrule']
    lines += [' & '.join(row) + r' \\' for row in body]
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}'])


def _cells(rows: Sequence[tuple]) -> list[list[str]]:
    names = list(
        dict.fromkeys(
            re.sub('_(mean|std)$', '', key) for *_, metrics in rows for key in metrics
        )
    )
    return [['model', 'views', 'videos', *names]] + [
        [*(cell or '' for cell in row[:3]), *(_cell(row[3], name) for name in names)]
        for row in rows
    ]


def _cell(metrics: Metrics, name: str) -> str:
    if name in metrics:
        return _percent(metrics[name])
    if f'{name}_mean' not in metrics:
        return ''
    return f'{_percent(metrics[f"{name}_mean"])} ± {_percent(metrics[f"{name}_std"])}'


def _percent(value) -> str:
    return f'{100 * value:.2f}' if np.ndim(value) == 0 else '...'
