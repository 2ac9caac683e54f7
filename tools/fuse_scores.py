"""Fuse the scores of both branches after the test, and choose the weight.

Usage: python tools/fuse_scores.py SCORES.pkl [ATTRIBUTES.pkl] [--weight 0.7 |
--sweep [--held-out HELD.pkl [HELD_ATTRIBUTES.pkl]]]
"""

import argparse
import json
import os
import os.path as osp
import sys

import mmengine
import numpy as np

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.evaluation.fusion import (
    RELEASED,
    check_apart,
    choose_metric,
    choose_weight,
    compare,
    fused_samples,
    split_half,
)
from bike_mmaction.evaluation.score_dumps import Scores, join, read_dump

SWEEP_OPTIONS = ('step', 'held_out', 'seed', 'metric', 'plot')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Fuse the scores of both branches: S = weight * V + '
        '(1 - weight) * A. The files are those of tools/test.py --dump.'
    )
    parser.add_argument(
        'scores',
        help='dump of both branches or, if there is a second file, of the video branch',
    )
    parser.add_argument('attributes', nargs='?', help='dump of the attributes branch')
    parser.add_argument(
        '--weight',
        type=float,
        help=f'share of the video branch; by default {RELEASED}, as released',
    )
    parser.add_argument(
        '--out', help='dump to write (.pkl): all videos, with the fused scores'
    )
    parser.add_argument('--json', help='file to write all results to')
    _add_sweep_options(parser)
    args = parser.parse_args()
    _check_options(parser, args)
    return args


def _add_sweep_options(parser) -> None:
    parser.add_argument(
        '--sweep',
        action='store_true',
        help='choose the weight on held-out videos and report on the others',
    )
    parser.add_argument(
        '--step',
        type=float,
        help='of the weights that are tried, from 0 to 1; by default 0.05',
    )
    parser.add_argument(
        '--held-out',
        nargs='+',
        metavar='PKL',
        help='one or two dumps, as above, of videos to choose on; by default '
        'a random half of the videos',
    )
    parser.add_argument('--seed', type=int, help='of the random half; by default 0')
    parser.add_argument(
        '--metric',
        choices=('top1', 'mAP'),
        help='what to choose by; by default top1, or mAP if videos have several labels',
    )
    parser.add_argument('--plot', help='picture to write: the metric over the weight')


def _check_options(parser, args: argparse.Namespace) -> None:
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
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(
            f"--out '{args.out}' must end with .pkl or .pickle, for "
            'the toolbox to read it'
        )


def candidates(step: float) -> list[float]:
    """Weights from 0 to 1."""
    count = round(1 / step) if 0 < step <= 1 else 0
    if not count or abs(count * step - 1) > 1e-6:
        raise ValueError(f'step={step} does not divide 1')
    return np.linspace(0, 1, count + 1).round(10).tolist()


def sweep(args: argparse.Namespace, scores: Scores) -> tuple[dict, Scores, list[str]]:
    """Choose the weight; return the videos that may be reported on, too."""
    weights = candidates(0.05 if args.step is None else args.step)
    notes, seed = [], None
    if args.held_out:
        held_out, notes = join(*map(read_dump, args.held_out))
        reported = scores
        check_apart(held_out, reported)
        if held_out.names is None or reported.names is None:
            notes.append(
                'the videos have no names: whether some are held out '
                'and reported on cannot be checked'
            )
    else:
        seed = args.seed or 0
        held_out, reported = split_half(scores, seed)
    metric = choose_metric(scores.labels, args.metric)
    weight, values = choose_weight(held_out, weights, metric)
    chosen = dict(
        weight=weight,
        metric=metric,
        held_out=args.held_out,
        seed=seed,
        chosen_on=len(held_out.labels),
        reported_on=len(reported.labels),
        without_attributes=int((~held_out.known).sum()),
        weights=weights,
        values=values,
    )
    return chosen, reported, notes


def fuse(args: argparse.Namespace) -> dict:
    """All that is to be said."""
    first = read_dump(args.scores)
    second = args.attributes and read_dump(args.attributes)
    scores, notes = join(first, second or None)
    results = dict(
        files=[args.scores] + [args.attributes] * bool(second),
        videos=len(scores.labels),
        without_attributes=int((~scores.known).sum()),
        notes=notes,
    )
    weight = RELEASED if args.weight is None else args.weight
    rows, reported = {'V+A': weight}, scores
    if args.sweep:
        chosen, reported, more = sweep(args, scores)
        weight = chosen['weight']
        rows = {'V+A, as released': RELEASED, 'V+A, chosen': weight}
        if args.out and not args.held_out:
            more.append(
                f"'{args.out}' has all videos, also those that the weight is chosen on"
            )
        results.update(sweep=chosen, notes=notes + more)
    results['table'] = compare(reported, rows)
    if args.out:
        _make_folder(args.out)
        mmengine.dump(fused_samples(first, scores, weight), args.out, file_format='pkl')
    return results


def render(results: dict) -> str:
    """The results as text."""
    lines = [f'Note: {note}' for note in results['notes']]
    chosen = results.get('sweep')
    if chosen:
        best = max(chosen['values'])
        half = '' if chosen['held_out'] else f'a random half, seed {chosen["seed"]}; '
        lines.append(
            f'weight {chosen["weight"]:g} chosen on {chosen["chosen_on"]} '
            f'held-out videos ({half}{chosen["metric"]} {best:.4f} there)'
        )
        lines.append(f'Results on the other {chosen["reported_on"]} videos:')
    table = results['table']
    keys = list(table[0])[1:]
    lines.append(f'{"":<18}' + ''.join(f'{key:>8}' for key in keys))
    for row in table:
        cells = [f'{row["weight"]:g}', f'{row["videos"]}']
        cells += [f'{row[k]:.4f}' if k in row else '-' for k in keys[2:]]
        lines.append(f'{row["name"]:<18}' + ''.join(f'{c:>8}' for c in cells))
    return '\n'.join(lines)


def draw(path: str, chosen: dict) -> None:
    """The metric on held-out videos over the weight."""
    from matplotlib.figure import Figure  # slow to import

    weights, values = chosen['weights'], chosen['values']
    figure = Figure(figsize=(6.4, 4.2), layout='constrained')
    axes = figure.add_subplot()
    axes.plot(weights, values, marker='.', color='tab:blue')
    axes.axvline(
        RELEASED, color='gray', linestyle=':', label=f'as released: λ = {RELEASED:g}'
    )
    axes.plot(
        chosen['weight'],
        max(values),
        'o',
        markersize=9,
        color='tab:red',
        label=f'chosen: λ = {chosen["weight"]:g}',
    )
    # Where a video has no attributes, V counts at every weight.
    a_only = 'A, V if no A' if chosen['without_attributes'] else 'A only'
    ends = ((a_only, 0, 'left', 6), ('V only', -1, 'right', -6))
    for name, end, side, shift in ends:
        axes.annotate(
            f'{name}\n{values[end]:.4f}',
            (weights[end], values[end]),
            (shift, -8),
            textcoords='offset points',
            horizontalalignment=side,
            verticalalignment='top',
        )
    axes.margins(y=0.25)
    axes.set(
        xlabel='λ, share of the video branch',
        ylabel=f'{chosen["metric"]} on held-out videos',
        title=f'Choosing λ on the held-out part: {chosen["chosen_on"]} videos',
    )
    axes.grid(alpha=0.3)
    axes.legend()
    _make_folder(path)
    figure.savefig(path, dpi=110)


def _make_folder(path: str) -> None:
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)


def main() -> None:
    args = parse_args()
    try:
        results = fuse(args)
        print(render(results))
        if args.json:
            _make_folder(args.json)
            with open(args.json, 'w', encoding='utf-8') as file:
                json.dump(results, file, indent=2)
        if args.plot:
            draw(args.plot, results['sweep'])
    except (OSError, ValueError) as error:
        sys.exit(f'fuse_scores: {error}')
    for path in filter(None, (args.out, args.json, args.plot)):
        print(f'written: {path}')


if __name__ == '__main__':
    main()
