"""Check that the videos of a data set can be read, before training on them.

Usage: python tools/data/check_videos.py CONFIG --split train

Every entry of the annotation file is looked at. Usable lines are written
unchanged to a new annotation file, the reasons for the others to a report
beside it. Exit status: 0 if all lines are usable, 1 if some are not.
"""

import argparse
import json
import os.path as osp
import sys
from collections import Counter
from collections.abc import Sequence

from mmengine.config import Config, DictAction

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.cli.mmaction_tools import (
    add_frame_arguments,
    check_cfg_options,
    read_frames,
)
from bike_mmaction.datasets.annotation import write_lines
from bike_mmaction.datasets.checking import (
    PROBLEMS,
    Verdict,
    check_all,
    judge_lengths,
    load_infos,
    read_lines,
    sampled_frames,
)
from bike_mmaction.datasets.pipeline_access import SPLITS, own_dataset


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='Videos with fewer frames than the config samples are counted '
        'and reported as too short. They are usable, as some of their frames '
        'are repeated; --min-frames leaves shorter ones out.',
    )
    parser.add_argument(
        'config', help='says which videos, and how many frames are sampled'
    )
    parser.add_argument(
        '--split', choices=SPLITS, default='train', help='whose videos (default: train)'
    )
    add_frame_arguments(parser)
    parser.add_argument('--workers', type=int, default=8, help='processes (default: 8)')
    parser.add_argument(
        '--full',
        action='store_true',
        help='read every frame (slow), not the first, middle and last only',
    )
    parser.add_argument(
        '--min-frames',
        type=int,
        help='videos and segments with fewer frames are not usable (default: '
        'any number is)',
    )
    parser.add_argument(
        '--out',
        help='list to write; the report is OUT.report.json (default: '
        'the annotation file with _usable in its name)',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    for name in ('workers', 'min_frames'):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f'--{name.replace("_", "-")} must be positive')
    return args


def load_dataset_config(args: argparse.Namespace) -> dict:
    """The data set of the split, also where another draws from it."""
    cfg = Config.fromfile(args.config)
    check_cfg_options(cfg, args.cfg_options)
    read_frames(cfg, args)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    return own_dataset(cfg, args.split)


def check(args: argparse.Namespace) -> bool:
    """Check all entries and write what was found.

    Returns:
        bool: Whether all lines are usable.
    """
    from mmaction.registry import DATASETS
    from mmaction.utils import register_all_modules

    register_all_modules()
    cfg = load_dataset_config(args)
    dataset = DATASETS.build(dict(cfg, pipeline=[], lazy_init=True))
    lines = read_lines(dataset.ann_file)
    dataset.full_init()
    infos = load_infos(dataset, len(lines))
    clip_len = sampled_frames(cfg['pipeline'])
    verdicts = judge_lengths(
        check_all(infos, args.full, args.workers), clip_len, args.min_frames
    )
    out = args.out or f'{osp.splitext(dataset.ann_file)[0]}_usable.txt'
    summary = dict(
        ann_file=dataset.ann_file,
        full=args.full,
        clip_len=clip_len,
        min_frames=args.min_frames,
        **count(verdicts),
    )
    write_lines(out, [x for x, v in zip(lines, verdicts) if v.usable])
    report = dict(summary, problems=list_problems(lines, infos, verdicts))
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
    lines: Sequence[str], infos: Sequence[dict], verdicts: Sequence[Verdict]
) -> list[dict]:
    """What is reported of each entry with a problem."""
    return [
        dict(
            line=number,
            entry=line,
            path=info.get('filename', info.get('frame_dir')),
            **verdict._asdict(),
        )
        for number, (line, info, verdict) in enumerate(zip(lines, infos, verdicts), 1)
        if verdict.problem
    ]


def print_summary(summary: dict, out: str) -> None:
    """The counts, and where the rest is written."""
    print(
        f'{summary["ann_file"]}: {summary["entries"]} entries, '
        f'{summary["usable"]} usable, {summary["missing"]} missing, '
        f'{summary["unreadable"]} unreadable, {summary["too_short"]} too '
        f'short (fewer than {summary["min_frames"] or summary["clip_len"]} '
        f'frames; {"left out" if summary["min_frames"] else "kept"})'
    )
    print(f'written: {out}')
    print(f'written: {out}.report.json')


def main() -> None:
    args = parse_args()
    try:
        usable = check(args)
    except (OSError, ValueError) as error:
        sys.exit(f'check_videos: {error}')
    sys.exit(not usable)


if __name__ == '__main__':
    main()
