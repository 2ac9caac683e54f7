"""Where the files of a test lie in a data folder of `bike train`."""

import glob
import os.path as osp
from typing import NamedTuple, Optional

from ..shipped import MODEL_FOLDER, RUNS, SCORES
from ..text_files import TextError, read_json
from .making import Inputs

REPORT = 'report.html'
_PARTS = ('test', 'val')


class Run(NamedTuple):
    """A training in a data folder: its files, and where its report lies."""

    inputs: Inputs
    out: str


def runs_of(folder: str) -> list[str]:
    """Folders of the trainings that were tested, the newest scores first.

    Args:
        folder (str): A data folder; or such a run of one, which is then alone.

    Raises:
        FileNotFoundError: if there are no scores.
    """
    if has_scores(folder):
        return [folder]
    paths = [
        path
        for part in _PARTS
        for path in glob.glob(
            osp.join(glob.escape(folder), RUNS, '*', SCORES.format(part))
        )
    ]
    if not paths:
        raise FileNotFoundError(
            f"'{folder}' has no scores of a test (runs/*/test_scores.npz): `bike train "
            f'{folder}` makes them if there are clips to test (test.txt or val.txt); '
            'or name a file of `bike test --dump`'
        )
    newest_first = sorted(paths, key=osp.getmtime, reverse=True)
    return list(dict.fromkeys(map(osp.dirname, newest_first)))


def data_folder_of(run: str) -> str:
    """The data folder that a run lies in."""
    return osp.dirname(osp.dirname(osp.abspath(run)))


def run_of_model(folder: str) -> str:
    """The name of the run that the model of a data folder is of; '' if unknown."""
    try:
        about = read_json(osp.join(folder, MODEL_FOLDER, 'about.json'))
        return osp.basename(osp.dirname(about['checkpoint']))
    except (OSError, TextError, KeyError, TypeError):
        return ''


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
