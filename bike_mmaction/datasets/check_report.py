"""Checking a whole annotation file, and the report of it.

What ``bike check-videos`` does with the entries of a list.
"""

import json
import os.path as osp
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Optional

from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from ..files import file_sha256, source_of, write_lines
from ..terminal import say
from ..text_files import read_lines
from ..video import TIME_LIMIT
from .check_record import CheckRecord
from .checking import (
    PROBLEMS,
    Infos,
    Verdict,
    check_all,
    judge_lengths,
    sampled_frames,
    usable_list,
)


# Longer than others for its arguments.
def check_list(
    config: dict,
    out: Optional[str] = None,
    full: bool = False,
    min_frames: Optional[int] = None,
    workers: int = 8,
    time_limit: Optional[float] = TIME_LIMIT,
    journal_of: Optional[Callable[[str], Any]] = None,
) -> bool:
    """Check all entries, write the usable ones and a report, print a summary.

    Args:
        config (dict): Of the data set, with its pipeline.
        out (str, optional): The list to write; the report lies beside it.
            Defaults to None: that of the data set, with `_usable` in its name.
        full (bool): Whether every frame is read, or three alone.
        min_frames (int, optional): What has fewer frames is not usable.
            Defaults to None: everything readable is.
        workers (int): Processes. Defaults to 8.
        time_limit (float, optional): Seconds for an entry; None is without
            limit. Defaults to 60.
        journal_of (Callable, optional): Makes of a folder a :class:`.Journal`,
            in which the check goes on after a stop. Defaults to None: it
            begins anew.

    Returns:
        bool: Whether all lines are usable.
    """
    dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
    dataset.full_init()
    numbers, lines = array('L'), []
    for number, line in read_lines(dataset.ann_file):
        numbers.append(number)
        lines.append(line)
    infos = Infos(dataset, len(lines))
    clip_len = sampled_frames(config['pipeline'])
    out = usable_list(dataset.ann_file, out)
    journal = None if journal_of is None else journal_of(partial_of(out))
    verdicts = _check(dataset, infos, journal, full, workers, time_limit)
    verdicts = judge_lengths(verdicts, clip_len, min_frames)
    summary = dict(
        ann_file=dataset.ann_file,
        full=full,
        clip_len=clip_len,
        min_frames=min_frames,
        **count(verdicts),
    )
    write_lines(out, [line for line, v in zip(lines, verdicts) if v.usable])
    report = dict(summary, problems=list_problems(numbers, lines, infos, verdicts))
    write_lines(f'{out}.report.json', [json.dumps(report, indent=2)])
    if journal is not None:
        journal.remove()
    print_summary(summary, out)
    return all(verdict.usable for verdict in verdicts)


def _check(
    dataset: BaseDataset,
    infos: Infos,
    journal: Any,
    full: bool,
    workers: int,
    time_limit: Optional[float],
) -> list[Verdict]:
    """Go on where the journal ends, if there is one, which stays open."""
    if journal is None:
        return check_all(infos, full, workers, time_limit)
    settings = dict(
        list=file_sha256(dataset.ann_file),
        folders=dict(dataset.data_prefix),
        full=full,
        time_limit=str(time_limit),
    )
    try:
        record = CheckRecord(journal, infos, settings)
        return check_all(infos, full, workers, time_limit, record)
    except BaseException:
        journal.release()
        raise


def partial_of(out: str) -> str:
    """The folder of what is checked for a list that is to be written."""
    return f'{osp.realpath(out)}.partial'


def count(verdicts: Sequence[Verdict]) -> dict:
    """How many entries there are of each kind."""
    counts = Counter(verdict.problem for verdict in verdicts)
    return dict(
        entries=len(verdicts),
        usable=sum(verdict.usable for verdict in verdicts),
        **{name.replace(' ', '_'): counts[name] for name in PROBLEMS},
    )


def list_problems(
    numbers: Sequence[int],
    lines: Sequence[str],
    infos: Sequence[dict],
    verdicts: Sequence[Verdict],
) -> list[dict]:
    """What is reported of each entry with a problem; ``numbers`` are of lines."""
    return [
        dict(
            line=numbers[i],
            entry=lines[i],
            path=source_of(infos[i]),
            **verdict._asdict(),
        )
        for i, verdict in enumerate(verdicts)
        if verdict.problem
    ]


def print_summary(summary: dict, out: str) -> None:
    """The counts, and where the rest is written."""
    say(
        f'{summary["ann_file"]}: {summary["entries"]} entries, '
        f'{summary["usable"]} usable, {summary["missing"]} missing, '
        f'{summary["unreadable"]} unreadable, {summary["damaged"]} damaged (kept), '
        f'{summary["too_short"]} too '
        f'short (fewer than {summary["min_frames"] or summary["clip_len"]} '
        f'frames; {"left out" if summary["min_frames"] else "kept"})'
    )
    say(f'written: {out}')
    say(f'written: {out}.report.json')
