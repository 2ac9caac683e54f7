"""Gather the demo's results: a table, and pictures of what BIKE sees.

Usage: python tools/demo/report.py WORK_DIR --seeds 0 1 2
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from branches import Branches, branch_results
from mmaction.registry import DATASETS, MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner, load_checkpoint
from phrases import quality, read_attributes
from render import FPS
from scenes import CLASSES, LEXICON, NUM_FRAMES

import bike_mmaction  # noqa: F401
from bike_mmaction.datasets.transforms import segment_starts
from bike_mmaction.visualization import draw_saliency

ROOT = Path(__file__).resolve().parents[2]
RUNS = {  # whose video branch is tested in which runs
    'mean pooling': 'meanpool',
    'VCS': 'attributes',
}
NUM_PICTURES = 4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('--seeds', type=int, nargs='+', required=True)
    return parser.parse_args()


@torch.no_grad()
def zero_shot_accuracy(model, loader) -> dict[str, float]:
    """Top-1 in %, one view, of three ways to pool the frames."""
    head, correct, total = model.cls_head, {}, 0
    for batch in loader:
        data = model.data_preprocessor(batch)
        frames, _ = model.extract_feat(data['inputs'], test_mode=True)
        labels = torch.cat([s.gt_label for s in data['data_samples']])
        classes = head.embed_classes(with_words=False).sentence
        scores = {
            'max pooling': (F.normalize(frames, dim=-1) @ classes.t()).amax(dim=1)
        }
        for name, head.aggregation in (('mean pooling', 'mean'), ('VCS', 'vcs')):
            scores[name] = head(frames)
        for name, score in scores.items():
            hits = (score.argmax(dim=1) == labels).sum().item()
            correct[name] = correct.get(name, 0) + hits
        total += len(labels)
    return {name: 100 * hits / total for name, hits in correct.items()}


def sampled_frames(clip_len: int) -> np.ndarray:
    """Numbers [T] of the frames of the first test clip."""
    return segment_starts(NUM_FRAMES, clip_len, 1)[0]


def is_event(truth: dict, clip_len: int) -> np.ndarray:
    """Bool [T]: which frames of the first test clip show the action."""
    first, last = truth['event']
    sampled = sampled_frames(clip_len)
    return (sampled >= first) & (sampled <= last)


@torch.no_grad()
def spot(model, dataset, index: int, truths: dict) -> dict:
    """What the head sees in one test video."""
    info = dataset.get_data_info(index)
    sample = dataset[index]
    data = model.data_preprocessor(pseudo_collate([sample]))
    frames, _ = model.extract_feat(data['inputs'], test_mode=True)
    scores, saliency = model.cls_head.spot(frames)
    name = '/'.join(Path(info['filename']).parts[-2:])
    return dict(
        name=name,
        images=sample['inputs'][0].permute(1, 2, 3, 0).numpy(),
        scores=scores[0],
        saliency=saliency[0].numpy(),
        label=info['label'],
        event=is_event(truths[name], frames.shape[1]),
        frames=sampled_frames(frames.shape[1]).tolist(),
    )


def draw(
    seen: dict, names: list[str], attributes: list[tuple[str, float]], path: Path
) -> None:
    """One video: frames, saliency for two classes, attributes."""
    ranked = seen['scores'].argsort(descending=True).tolist()
    other = next(k for k in ranked if k != seen['label'])
    rows = {seen['label']: 'true class', other: 'the best other class'}
    draw_saliency(
        str(path),
        seen['images'],
        seen['saliency'][list(rows)],
        [
            f'"{names[k]}" ({what}, score {seen["scores"][k]:.2f})'
            for k, what in rows.items()
        ],
        title=f'{seen["name"]}: {names[seen["label"]]} (recognized as '
        f'{names[ranked[0]]}); red frames show the action',
        marked=seen['event'],
        attributes=attributes,
        times=[frame / FPS for frame in seen['frames']],
    )


def draw_pictures(
    model, dataset, truths: dict, attributes: dict, out: Path
) -> np.ndarray:
    """Draw some test videos.

    Returns:
        np.ndarray: Over the test videos whose action is seen, the mean share
        of the true class's saliency on frames of the event, the mean share of
        such frames; and the share of these videos. In %.
    """
    shares = []
    for index in range(len(dataset)):
        seen = spot(model, dataset, index, truths)
        event = seen['event']
        if event.any():
            saliency = seen['saliency'][seen['label'], event].sum()
            shares.append((saliency, event.mean()))
        if index < NUM_PICTURES:
            draw(
                seen,
                model.cls_head.class_names,
                attributes[seen['name']],
                out / f'saliency_{index}.png',
            )
    return 100 * np.array([*np.mean(shares, axis=0), len(shares) / len(dataset)])


def mean_sd(values: np.ndarray) -> str:
    """As '81.2 ± 0.3'; without ± where there is nothing to vary."""
    if len(values) == 1 or np.ptp(values) == 0:
        return f'{values.mean():.1f}'
    return f'{values.mean():.1f} ± {values.std(ddof=1):.1f}'


def table(
    zero_shot: dict[str, float],
    plugged: dict[str, Branches],
    trained: dict[str, Branches],
) -> str:
    """All accuracies, in Markdown."""
    columns = ('mean pooling', 'VCS')
    rows = {
        'V, zero-shot': [f'{zero_shot[c]:.1f}' for c in columns],
        'V, trained': [mean_sd(trained[c].top1['V']) for c in columns],
    }
    for kind, runs in (('plug-and-play', plugged), ('trained', trained)):
        rows[f'A, {kind}'] = [mean_sd(runs[c].top1['A']) for c in columns]
        rows[f'V trained + A {kind}, λ = 0.7'] = [
            mean_sd(runs[c].top1['released']) for c in columns
        ]
        rows[f'V trained + A {kind}, λ chosen'] = [
            f'{mean_sd(runs[c].top1["chosen"])} '
            f'(λ {", ".join(f"{w:g}" for w in runs[c].weights)})'
            for c in columns
        ]
    head = ['top-1 on the test clips, in %', *columns]
    cells = [head, ['---'] * len(head)]
    cells += [[name, *values] for name, values in rows.items()]
    return '\n'.join(f'| {" | ".join(row)} |' for row in cells)


def describe_branches(plugged: Branches, trained: Branches) -> str:
    return (
        'Standard deviation of the cosines over the classes, beside VCS: '
        f'V {trained.spread["V"]:.2f}, A plug-and-play '
        f'{plugged.spread["A"]:.2f}, A trained {trained.spread["A"]:.2f}.'
    )


def describe_phrases(shares: dict[str, float]) -> str:
    return (
        'Attributes of the test clips: of the nearest 3 phrases '
        f'{shares["top3"]:.0f} % are true of at least one frame, of the '
        f'nearest 5 {shares["top5"]:.0f} % (drawn by lot from the '
        f'{len(LEXICON)} phrases: {shares["chance"]:.0f} %); the background '
        f'is among the nearest 3 in {shares["background"]:.0f} % of the '
        f'clips, the scenery in {shares["scenery"]:.0f} %.'
    )


def main() -> None:
    args = parse_args()
    register_all_modules()
    cfg = Config.fromfile(str(ROOT / 'configs' / 'demo' / 'bike_demo.py'))
    truths = json.loads((Path(cfg.data_root) / 'truth.json').read_text())
    model = MODELS.build(cfg.model)
    model.init_weights()
    zero_shot = zero_shot_accuracy(
        model.eval(), Runner.build_dataloader(cfg.test_dataloader)
    )
    plugged, trained = (
        {
            name: branch_results(args.work_dir, run, attributes, args.seeds)
            for name, run in RUNS.items()
        }
        for attributes in ('plugplay', 'attributes_seed{seed}')
    )
    load_checkpoint(
        model, str(args.work_dir / f'vcs_seed{args.seeds[0]}' / 'epoch_3.pth')
    )
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    attributes = read_attributes(Path(cfg.data_root) / 'attributes.json', 'test')
    share, uniform, seen = draw_pictures(
        model, dataset, truths, attributes, args.work_dir
    )
    notes = [
        f'{len(CLASSES)} classes (chance {100 / len(CLASSES):.1f} %), '
        f'{len(dataset)} test clips, one view, {len(args.seeds)} seeds (mean '
        '± standard deviation). Max pooling over the frames, zero-shot: '
        f'{zero_shot["max pooling"]:.1f}.',
        describe_branches(plugged['VCS'], trained['VCS']),
        describe_phrases(quality(attributes, truths)),
        f'The action is seen in a sampled frame of {seen:.0f} % of the clips; '
        f"there {share:.0f} % of the true class's saliency is on such frames, "
        f'of a uniform saliency {uniform:.0f} % would be.',
    ]
    text = '\n\n'.join([table(zero_shot, plugged, trained), *notes])
    (args.work_dir / 'results.md').write_text(text + '\n')
    print(f'\n{text}\n\nPictures: saliency_*.png and fusion_*.png in {args.work_dir}')


if __name__ == '__main__':
    main()
