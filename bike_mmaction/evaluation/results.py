"""What a test leaves behind: results as JSON, and as tables."""
import hashlib
import json
import os.path as osp
import re
from typing import Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.logging import print_log

from ..datasets.pipelines import views_of
from ..version import __version__

Metrics = Dict[str, float]


def list_fingerprint(dataset) -> str:
    """Identify what a data set holds: which videos with which labels.

    Neither the order nor the folder of the data set counts. Figures of two
    tests can be compared only if their fingerprints are the same.

    Args:
        dataset (BaseDataset): Of the toolbox.

    Returns:
        str: The first 12 hexadecimal digits of a SHA-256.
    """
    folders = [f for f in (dataset.data_prefix or {}).values() if f]
    lines = sorted(
        _line(dataset.get_data_info(i), folders) for i in range(len(dataset)))
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()[:12]


def _line(info: dict, folders: Sequence[str]) -> str:
    path = info.get('filename', info.get('frame_dir', ''))
    for folder in folders:
        if path.startswith(folder):
            path = osp.relpath(path, folder)
    label = info.get('label')
    if isinstance(label, torch.Tensor):  # one-hot
        label = label.nonzero().flatten().tolist()
    where = [
        info[key] for key in ('segment', 'offset', 'total_frames')
        if key in info
    ]
    return json.dumps([path, label, *where])


def describe_checkpoint(runner) -> Optional[dict]:
    """Which weights were tested: file and SHA-256; None without a file."""
    path = runner._load_from
    if not path:
        return None
    found = dict(file=path)
    if osp.isfile(path):
        digest = hashlib.sha256()
        with open(path, 'rb') as file:
            for part in iter(lambda: file.read(1 << 20), b''):
                digest.update(part)
        found['sha256'] = digest.hexdigest()
    return found


@master_only
def write_results(runner, dataset, metrics: Metrics,
                  unreadable: Sequence[str]) -> None:
    """Write ``results.json``, ``.md`` and ``.tex`` beside the log of a test.

    Args:
        runner (Runner): Of the test.
        dataset (BaseDataset): What it was tested on.
        metrics (dict[str, float]): With ``videos/*``.
        unreadable (Sequence[str]): Why videos were not evaluated.
    """
    name = osp.splitext(osp.basename(runner.cfg.filename or 'model'))[0]
    pipeline = (runner.cfg.get('test_dataloader')
                or {}).get('dataset', {}).get('pipeline', ())
    views = views_of(pipeline)
    counts = {
        key.split('/')[-1]: value
        for key, value in metrics.items() if key.startswith('videos/')
    }
    listed = dict(
        file=dataset.ann_file,
        videos=len(dataset),
        fingerprint=list_fingerprint(dataset))
    results = dict(
        config=runner.cfg.filename,
        metrics={
            k: v
            for k, v in metrics.items() if not k.startswith('videos/')
        },
        list=listed,
        videos=counts,
        unreadable=list(unreadable),
        views=views,
        checkpoint=describe_checkpoint(runner),
        pretrained=runner.cfg.model.get('backbone', {}).get('pretrained'),
        versions=dict(bike_mmaction=__version__, torch=torch.__version__))
    path = osp.join(runner.log_dir, 'results.json')
    write_json(path, results)
    write_tables(path, [(name, views, results['metrics'])])
    print_log(
        f"Tested on '{listed['file']}': {listed['videos']} videos, list "
        f'fingerprint {listed["fingerprint"]}; '
        f'{", ".join(f"{v} {k}" for k, v in counts.items())}; '
        f'views {views}. Results: {path}', 'current')


def write_json(path: str, content: dict) -> None:
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=_plain)
        file.write('\n')


def _plain(value):
    """Tensors and arrays, such as a confusion matrix."""
    return value.tolist() if hasattr(value, 'tolist') else str(value)


def write_tables(path: str, rows: Sequence[tuple]) -> None:
    """Write a table in Markdown and in LaTeX beside a JSON file.

    Args:
        path (str): Of the JSON file.
        rows (Sequence[tuple]): Name, views and metrics of each row.
    """
    stem = osp.splitext(path)[0]
    for ending, table in (('md', markdown_table), ('tex', latex_table)):
        with open(f'{stem}.{ending}', 'w', encoding='utf-8') as file:
            file.write(table(rows) + '\n')


def average(runs: Sequence[Metrics]) -> Metrics:
    """Mean and standard deviation over runs, such as the splits of a data set.

    Args:
        runs (Sequence[dict[str, float]]): Metrics of each; only what all of
            them have counts.

    Returns:
        dict[str, float]: ``*_mean`` and ``*_std``, the latter as published
        for the three splits of Kinetics-600: of the population (ddof 0).
    """
    found = {}
    for key in runs[0]:
        if all(key in run for run in runs) and not key.startswith('videos/'):
            values = [run[key] for run in runs]
            found[f'{key}_mean'] = float(np.mean(values))
            found[f'{key}_std'] = float(np.std(values))
    return found


def markdown_table(rows: Sequence[tuple]) -> str:
    """Results in %, as a table in Markdown; see :func:`write_tables`."""
    cells = _cells(rows)
    cells.insert(1, ['---'] * len(cells[0]))
    return '\n'.join(f'| {" | ".join(row)} |' for row in cells)


def latex_table(rows: Sequence[tuple]) -> str:
    """Results in %, as a table in LaTeX (package booktabs)."""
    head, *body = [[
        re.sub(r'([_%&#])', r'\\\1', cell).replace('±', r'$\pm$')
        for cell in row
    ] for row in _cells(rows)]
    lines = [r'\begin{tabular}{ll' + 'r' * (len(head) - 2) + '}', r'\toprule']
    lines += [' & '.join(head) + r' \\', r'\midrule']
    lines += [' & '.join(row) + r' \\' for row in body]
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}'])


def _cells(rows: Sequence[tuple]) -> List[List[str]]:
    names = list(
        dict.fromkeys(
            re.sub('_(mean|std)$', '', key) for _, _, metrics in rows
            for key in metrics))
    return [['model', 'views', *names]] + [[
        name, views or '', *(_cell(metrics, column) for column in names)
    ] for name, views, metrics in rows]


def _cell(metrics: Metrics, name: str) -> str:
    if name in metrics:
        return _percent(metrics[name])
    if f'{name}_mean' not in metrics:
        return ''
    return (f'{_percent(metrics[f"{name}_mean"])} ± '
            f'{_percent(metrics[f"{name}_std"])}')


def _percent(value) -> str:
    return f'{100 * value:.2f}' if np.ndim(value) == 0 else '...'
