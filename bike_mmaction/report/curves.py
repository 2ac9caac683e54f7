"""How a training went, from the file that MMEngine writes beside its log."""

import glob
import json
import os.path as osp
from typing import Any, NamedTuple, Optional

from ..text_files import TextError, read_lines

Points = list[tuple[float, float]]
_FILE = osp.join('vis_data', 'scalars.json')
_METRICS = ('acc/top1', 'mAP', 'mean_average_precision')


class Curves(NamedTuple):
    """What is drawn of a training.

    Attributes:
        unit (str): Of the horizontal axis: 'epoch' or 'iteration'.
        loss (list[tuple[float, float]]): In training.
        training (list[tuple[float, float]]): Accuracy of the batches, in [0, 1].
        validation (list[tuple[float, float]]): The metric, in [0, 1].
        metric (str): Its name; '' without validation.
    """

    unit: str
    loss: Points
    training: Points
    validation: Points
    metric: str

    def gap(self) -> Optional[float]:
        """Accuracy in training minus that in validation, at the best epoch."""
        if self.metric != 'acc/top1' or not self.validation or not self.training:
            return None
        place, best = max(self.validation, key=lambda point: (point[1], -point[0]))
        near = [y for x, y in self.training if abs(x - place) <= 2]
        return sum(near) / len(near) - best if near else None


def find_logs(path: str) -> list[str]:
    """Files of a training, the oldest first: of each time it was started.

    Args:
        path (str): Such a file, or the folder of the training.

    Raises:
        FileNotFoundError: if there is none.
    """
    if osp.isfile(path):
        return [path]
    base = glob.escape(path)
    logs = sorted(glob.glob(osp.join(base, '*', _FILE)))
    logs = logs or sorted(glob.glob(osp.join(base, _FILE)))
    if not logs:
        raise FileNotFoundError(
            f"--log: '{path}' is neither a scalars.json nor the folder of a training"
        )
    return logs


def read_curves(path: str) -> Curves:
    """Read the curves of a training, also of one that was resumed.

    Args:
        path (str): See :func:`find_logs`.

    Raises:
        OSError: if there is no such file.
        TextError: if it is of another form; names the line.
    """
    trained: list[dict] = []
    validated: list[dict] = []
    for log in find_logs(path):
        rows = _rows(log)
        _append(trained, [row for row in rows if 'loss' in row])
        _append(validated, [row for row in rows if _metric(row)])
    epochs = max((row.get('epoch', 0) for row in trained), default=0)
    steps = max((row['step'] for row in trained), default=0)
    scale = steps / epochs if epochs else 1
    metric = next(filter(None, map(_metric, validated)), '')
    return Curves(
        'epoch' if epochs else 'iteration',
        [(row['step'] / scale, row['loss']) for row in trained],
        [
            (row['step'] / scale, row['top1_acc'])
            for row in trained
            if 'top1_acc' in row
        ],
        [(row['step'], row[metric]) for row in validated if metric in row],
        metric,
    )


def _append(rows: list[dict], later: list[dict]) -> None:
    """A later start goes on somewhere, and takes the place of what was there."""
    if later:
        rows[:] = [row for row in rows if row['step'] < later[0]['step']]
        rows += later


def _rows(path: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            if not isinstance(row.get('step', 0), (int, float)):
                raise ValueError
        except (ValueError, AttributeError):
            raise TextError(
                f"'{path}' line {number} is none of MMEngine's scalars.json"
            ) from None
        rows += [row] if 'step' in row else []
    return rows


def _metric(row: dict) -> str:
    own = [key for key in row if key.split('/')[-1] == 'mAP' or key in _METRICS]
    return own[0] if own else ''
