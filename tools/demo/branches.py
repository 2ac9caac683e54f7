"""The branches' accuracies over the seeds, from dumps of the tests.

λ is chosen on the validation clips; what is reported are the test clips.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import bike_mmaction  # noqa: F401
from bike_mmaction.evaluation.fusion import (
    RELEASED,
    check_apart,
    choose_weight,
    compare,
)
from bike_mmaction.evaluation.score_dumps import Scores, join, read_dump

WEIGHTS = np.linspace(0, 1, 21).round(2).tolist()


class Branches(NamedTuple):
    """Top-1 in % and what belongs to it, an entry a seed."""

    top1: dict[str, np.ndarray]  # by 'V', 'A', 'released', 'chosen'
    weights: list[float]  # that were chosen
    spread: dict[str, float]  # of the cosines over the classes, by 'V', 'A'


def read_scores(work_dir: Path, video: str, attributes: str, split: str) -> Scores:
    """V of one model and A of another, neither of which needs the other."""
    files = [work_dir / name / f'{split}.pkl' for name in (video, attributes)]
    scores, _ = join(*(read_dump(str(path)) for path in dict.fromkeys(files)))
    return scores


def spread(scores: np.ndarray) -> float:
    """Standard deviation of the cosines over the classes, mean of videos.

    Args:
        scores (np.ndarray): Softmax of the cosines, [N, K].
    """
    return float(np.log(scores).std(axis=1).mean())


def branch_results(
    work_dir: Path, model: str, attributes: str, seeds: list[int]
) -> Branches:
    """Results of a model's video branch with an attributes branch.

    Args:
        work_dir (Path): Where the demo keeps its runs.
        model (str): Whose video branch: a run's name without the seed.
        attributes (str): Whose attributes branch, with ``{seed}`` if it was
            trained.
        seeds (list[int]): Of the runs.
    """
    rows, weights, spreads = [], [], []
    for seed in seeds:
        held_out, test = (
            read_scores(
                work_dir, f'{model}_seed{seed}', attributes.format(seed=seed), split
            )
            for split in ('val', 'test')
        )
        check_apart(held_out, test)
        weight, _ = choose_weight(held_out, WEIGHTS, 'top1')
        table = compare(test, dict(released=RELEASED, chosen=weight))
        rows.append({row['name']: 100 * row['top1'] for row in table})
        weights.append(weight)
        spreads.append([spread(test.video), spread(test.attributes)])
    top1 = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Branches(top1, weights, dict(zip('VA', np.mean(spreads, axis=0))))
