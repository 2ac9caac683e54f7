"""Fuse the scores of both branches after the test, and choose the weight.

V, of the video branch, are scores of the frames; A, of the attributes branch,
those of phrases that describe the video. S = weight * V + (1 - weight) * A.
The files are those of `bike test --dump`.
"""

import argparse
from typing import Optional

from ..terminal import say
from .arguments import DUMP_SUFFIXES, check_input, check_output
from .values import seed, share

SWEEP_OPTIONS = ('step', 'held_out', 'seed', 'metric', 'plot')


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument(
        'scores',
        help='dump of both branches or, if there is a second file, of the video branch',
    )
    parser.add_argument('attributes', nargs='?', help='dump of the attributes branch')
    parser.add_argument(
        '--weight',
        type=share,
        help='share of the video branch, lambda in the paper; by default 0.7, '
        'as released',
    )
    parser.add_argument(
        '--out', help='dump to write (.pkl or .npz): all videos, with the fused scores'
    )
    parser.add_argument('--json', help='file to write all results to')
    _add_sweep_options(parser)
    return parser


def _add_sweep_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--sweep',
        action='store_true',
        help='choose the weight on held-out videos and report on the others',
    )
    parser.add_argument(
        '--step',
        type=share,
        help='of the weights that are tried, from 0 to 1; by default 0.05',
    )
    parser.add_argument(
        '--held-out',
        nargs='+',
        metavar='DUMP',
        help='one or two dumps, as above, of videos to choose on; by default '
        'a random half of the videos',
    )
    parser.add_argument('--seed', type=seed, help='of the random half; by default 0')
    parser.add_argument(
        '--metric',
        choices=('top1', 'mAP'),
        help='what to choose by; by default top1, or mAP if videos have several labels',
    )
    parser.add_argument('--plot', help='picture to write: the metric over the weight')


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what would have no effect, or fail after the work is done."""
    if not args.sweep:
        for name in SWEEP_OPTIONS:
            if getattr(args, name) is not None:
                parser.error(f'--{name.replace("_", "-")} needs --sweep')
    elif args.weight is not None:
        parser.error('--sweep chooses the weight: leave --weight out')
    if args.held_out is not None:
        if len(args.held_out) > 2:
            parser.error('--held-out takes one or two files')
        if args.seed is not None:
            parser.error(
                '--seed is of the random half: with --held-out, nothing is random'
            )
    if args.out and not args.out.endswith(DUMP_SUFFIXES):
        parser.error(f"--out '{args.out}' must end with {' or '.join(DUMP_SUFFIXES)}")
    for path in (args.scores, args.attributes, *(args.held_out or ())):
        check_input('scores', path)
    for name in ('out', 'json', 'plot'):
        check_output(f'--{name}', getattr(args, name))


def run(args: argparse.Namespace) -> None:
    """Fuse, print and write."""
    from ..evaluation.fusion_report import draw, fuse, render, write_report

    results = fuse(args)
    say(render(results))
    if args.json:
        write_report(results, args.json)
    if args.plot:
        draw(args.plot, results['sweep'])
    for path in filter(None, (args.out, args.json, args.plot)):
        say(f'written: {path}')
