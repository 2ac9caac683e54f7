"""Where the files of a test lie in a data folder of `bike train`."""

import glob
import os.path as osp
from typing import NamedTuple, Optional

from ..shipped import RUNS, SCORES
from .making import Inputs

REPORT = 'report.html'
_PARTS = ('test', 'val')


class Run(NamedTuple):
    """A training in a data folder: its files, and where its report lies."""

    inputs: Inputs
    out: str


def newest_run(folder: str) -> str:
    """The folder of the training whose scores are the newest.

    Raises:
        FileNotFoundError: if there are no scores.
    """
    paths = [
        path
        for part in _PARTS
        for path in glob.glob(
            osp.join(glob.escape(folder), RUNS, '*', SCORES.format(part))
        )
    ]
    if not paths:
        raise FileNotFoundError(
            f"'{folder}' has no scores of a test (runs/*/test_scores.npz): "
            f'`bike train {folder}` makes them, or name a file of `bike test --dump`'
        )
    return osp.dirname(max(paths, key=osp.getmtime))


def has_scores(run: str) -> bool:
    """Whether a training has been tested, on any part."""
    return any(osp.isfile(osp.join(run, SCORES.format(part))) for part in _PARTS)


def files_of_run(folder: str, run: str) -> Run:
    """The files of a training.

    Args:
        folder (str): The data folder.
        run (str): Folder of the training, with the scores.
    """
    part = next(p for p in _PARTS if osp.isfile(osp.join(run, SCORES.format(p))))
    results = glob.glob(osp.join(glob.escape(run), part, '*', 'results.json'))
    logs = glob.glob(osp.join(glob.escape(run), '*', 'vis_data', 'scalars.json'))
    name = osp.basename(osp.abspath(folder))
    inputs = Inputs(
        osp.join(run, SCORES.format(part)),
        _if_file(folder, 'classes.txt'),
        max(results) if results else None,
        run if logs else None,
        _if_file(folder, 'train.txt'),
        f'{name}: {part} of {osp.basename(osp.abspath(run))}',
    )
    return Run(inputs, osp.join(run, REPORT))


def _if_file(folder: str, name: str) -> Optional[str]:
    path = osp.join(folder, name)
    return path if osp.isfile(path) else None
