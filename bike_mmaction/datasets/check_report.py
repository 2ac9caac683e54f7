"""Checking a whole annotation file, and the report of it.

What ``bike check-videos`` does with the entries of a list.
"""

import json
import os.path as osp
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Optional

from mmaction.registry import DATASETS

from ..files import source_of, write_lines
from ..terminal import say
from ..text_files import read_lines
from ..video import TIME_LIMIT
from .checking import PROBLEMS, Infos, Verdict, check_all, judge_lengths, sampled_frames


# Longer than others for its arguments.
def check_list(
    config: dict,
    out: Optional[str] = None,
    full: bool = False,
    min_frames: Optional[int] = None,
    workers: int = 8,
    time_limit: Optional[float] = TIME_LIMIT,
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
    verdicts = check_all(infos, full, workers, time_limit)
    verdicts = judge_lengths(verdicts, clip_len, min_frames)
    out = out or f'{osp.splitext(dataset.ann_file)[0]}_usable.txt'
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
    print_summary(summary, out)
    return all(verdict.usable for verdict in verdicts)


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
