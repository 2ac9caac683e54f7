"""Gather the results of the demo's few-shot and zero-shot tests.

Usage: python tools/demo/protocols.py RESULTS_DIR --seeds 0 1 2
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from hold_out import parts
from report import mean_sd
from scenes import CLASS_NAMES

SHOTS = (1, 2, 5)
WEIGHTS = {  # share of the fine-tuned weights
    'pretrained': 'CLIP as pre-trained',
    'weight0.5': 'half fine-tuned, half pre-trained weights',
    'weight1': 'fine-tuned on the other classes',
}
EVALUATORS = ('frames', 'video')
COLORS = ('#b0b0b0', '#3b6fb6')


def read(folder: Path, name: str, metric: str, seeds: list[int]) -> np.ndarray:
    """A metric of each seed in %; of one run where there is no seed."""
    files = (
        [folder / f'{name}.json']
        if name.endswith('pretrained')
        else [folder / f'{name}_seed{seed}.json' for seed in seeds]
    )
    metrics = [json.loads(path.read_text())['metrics'] for path in files]
    return 100 * np.array([of_seed[metric] for of_seed in metrics])


def few_shot(folder: Path, seeds: list[int]) -> dict[str, np.ndarray]:
    """Top-1 accuracies, by the number of shots."""
    names = {'no training': 'all_pretrained'}
    names.update((f'{k}', f'all_{k}shot') for k in SHOTS)
    return {
        shots: read(folder, name, 'acc/top1', seeds) for shots, name in names.items()
    }


def zero_shot(folder: Path, seeds: list[int], metric: str) -> dict:
    """Accuracies by weights, then by evaluator."""
    return {
        name: {
            e: read(folder, f'unseen_{name}', f'zero_shot_{e}/{metric}', seeds)
            for e in EVALUATORS
        }
        for name in WEIGHTS
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def draw(
    shots: dict[str, np.ndarray], unseen: dict, num_unseen: int, path: Path
) -> None:
    """Accuracy over the shots; accuracy on unseen classes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout='constrained')
    numbers = [0, *SHOTS]
    left.errorbar(
        numbers,
        [v.mean() for v in shots.values()],
        [v.std(ddof=1) if len(v) > 1 else 0 for v in shots.values()],
        marker='o',
        capsize=3,
        color=COLORS[1],
    )
    left.axhline(100 / len(CLASS_NAMES), color='black', linestyle=':')
    left.set(
        xticks=numbers,
        xlabel='training videos of each class',
        ylabel='top-1 (%)',
        ylim=(0, 100),
        title='Few-shot',
    )
    places = np.arange(len(unseen))
    for i, evaluator in enumerate(EVALUATORS):
        values = [by[evaluator] for by in unseen.values()]
        right.bar(
            places + 0.4 * i - 0.2,
            [v.mean() for v in values],
            0.38,
            yerr=[v.std(ddof=1) if len(v) > 1 else 0 for v in values],
            color=COLORS[i],
            label=evaluator,
        )
    right.axhline(100 / num_unseen, color='black', linestyle=':', label='chance')
    right.set_xticks(places, ['pre-trained', 'half and half', 'fine-tuned'])
    right.set(ylim=(0, 100), title='Zero-shot, full-classes, unseen classes')
    right.legend(frameon=False, ncols=3, fontsize='small')
    for axes in (left, right):
        axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--seeds', type=int, nargs='+', required=True)
    args = parser.parse_args()
    shots = few_shot(args.folder, args.seeds)
    full, half = (
        zero_shot(args.folder, args.seeds, metric)
        for metric in ('full_top1', 'half_top1_mean')
    )
    num_unseen = len(parts()['unseen'])
    text = '\n\n'.join(
        [
            table(
                ['training videos of each class', *shots],
                [
                    ['top-1 on the test clips, in %']
                    + [mean_sd(v) for v in shots.values()]
                ],
            ),
            table(
                [f'top-1 on {num_unseen} unseen classes, in %']
                + [f'{e}, {kind}' for e in EVALUATORS for kind in ('full', 'half')],
                [
                    [what]
                    + [mean_sd(by[name][e]) for e in EVALUATORS for by in (full, half)]
                    for name, what in WEIGHTS.items()
                ],
            ),
            f'Mean ± standard deviation of {len(args.seeds)} seeds. Chance: '
            f'{100 / len(CLASS_NAMES):.1f} % among all classes, '
            f'{100 / num_unseen:.1f} % among the unseen ones (full), '
            f'{200 / num_unseen:.0f} % among a half of them.',
        ]
    )
    (args.folder / 'results.md').write_text(text + '\n')
    draw(shots, full, num_unseen, args.folder / 'protocols.png')
    print(f'\n{text}\n\nWritten to {args.folder}/results.md, protocols.png')


if __name__ == '__main__':
    main()
