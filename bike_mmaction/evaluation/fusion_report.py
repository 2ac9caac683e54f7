"""The scores of both branches fused after a test, and the weight chosen.

What ``bike fuse-scores`` reports, writes and draws.
"""

import argparse
from typing import Any

import numpy as np

from ..files import replaced, write_json
from .dump_files import write_dump
from .fusion import (
    RELEASED,
    check_apart,
    choose_metric,
    choose_weight,
    compare,
    fused_samples,
    split_half,
)
from .score_dumps import Scores, join, read_dump

NAMELESS = (
    'the videos have no names: whether some are held out '
    'and reported on cannot be checked'
)
STEP = 0.05  # of the weights that are tried, unless another is given


def candidates(step: float) -> list[float]:
    """Weights from 0 to 1."""
    count = round(1 / step) if 0 < step <= 1 else 0
    if not count or abs(count * step - 1) > 1e-6:
        raise ValueError(f'step={step} does not divide 1')
    return np.linspace(0, 1, count + 1).round(10).tolist()


def sweep(args: argparse.Namespace, scores: Scores) -> tuple[dict, Scores, list[str]]:
    """Choose the weight by ``step``, ``held_out``, ``seed`` and ``metric``.

    Returns:
        tuple[dict, Scores, list[str]]: How it was chosen, the videos that may
        be reported on, and what is to be noted.
    """
    weights = candidates(STEP if args.step is None else args.step)
    notes: list[str] = []
    seed = None
    if args.held_out:
        held_out, notes = join(*map(read_dump, args.held_out))
        reported = scores
        check_apart(held_out, reported)
        if held_out.names is None or reported.names is None:
            notes.append(NAMELESS)
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


def fuse(args: argparse.Namespace) -> dict[str, Any]:
    """Fuse as the arguments of the command say: all that is to be told."""
    first = read_dump(args.scores)
    second = read_dump(args.attributes) if args.attributes else None
    scores, notes = join(first, second)
    results: dict[str, Any] = dict(
        files=[args.scores] + [args.attributes] * bool(args.attributes),
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
        write_dump(args.out, fused_samples(first, scores, weight))
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
    _name_ends(axes, chosen)
    axes.margins(y=0.25)
    axes.set(
        xlabel='λ, share of the video branch',
        ylabel=f'{chosen["metric"]} on held-out videos',
        title=f'Choosing λ on the held-out part: {chosen["chosen_on"]} videos',
    )
    axes.grid(alpha=0.3)
    axes.legend()
    with replaced(path) as draft:
        figure.savefig(draft, dpi=110)


def _name_ends(axes, chosen: dict) -> None:
    """Write beside both ends of the curve which branch is alone there."""
    weights, values = chosen['weights'], chosen['values']
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


def write_report(results: dict[str, Any], path: str) -> None:
    """The results as JSON."""
    write_json(path, results)
