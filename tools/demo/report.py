"""Gather the demo's results: a table, and pictures of the saliency.

Usage: python tools/demo/report.py WORK_DIR --seeds 0 1 2
"""
import argparse
import json
from pathlib import Path
from typing import Dict, List

import numpy as np
import torch
import torch.nn.functional as F
from mmaction.registry import DATASETS, MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner, load_checkpoint
from scenes import NUM_FRAMES

import bike_mmaction  # noqa: F401
from bike_mmaction.datasets.transforms import segment_starts
from bike_mmaction.visualization import draw_saliency

ROOT = Path(__file__).resolve().parents[2]
MODELS_SHOWN = {'meanpool': 'mean pooling', 'vcs': 'VCS'}
NUM_PICTURES = 4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('--seeds', type=int, nargs='+', required=True)
    return parser.parse_args()


def trained_accuracy(work_dir: Path, model: str, seeds: List[int]):
    """Top-1 in % of each seed, as ``tools/dist_test.sh`` wrote it."""
    found = []
    for seed in seeds:
        folder = work_dir / f'{model}_seed{seed}' / 'test'
        logs = sorted(folder.glob('*/*.json'))
        if not logs:
            raise FileNotFoundError(f'no test result in {folder}')
        found.append(100 * json.loads(logs[-1].read_text())['acc/top1'])
    return np.array(found)


@torch.no_grad()
def zero_shot_accuracy(model, loader) -> Dict[str, float]:
    """Top-1 in %, one view, of three ways to pool the frames."""
    head, correct, total = model.cls_head, {}, 0
    for batch in loader:
        data = model.data_preprocessor(batch)
        frames, _ = model.extract_feat(data['inputs'], test_mode=True)
        labels = torch.cat([s.gt_label for s in data['data_samples']])
        classes = head.embed_classes(words=False).sentence
        scores = dict(
            max=(F.normalize(frames, dim=-1) @ classes.t()).amax(dim=1))
        for name, head.aggregation in (('meanpool', 'mean'), ('vcs', 'vcs')):
            scores[name] = head(frames)
        for name, score in scores.items():
            hits = (score.argmax(dim=1) == labels).sum().item()
            correct[name] = correct.get(name, 0) + hits
        total += len(labels)
    return {name: 100 * hits / total for name, hits in correct.items()}


def is_event(truth: dict, clip_len: int) -> np.ndarray:
    """Bool [T]: which frames of the first test clip show the action."""
    first, last = truth['event']
    sampled = segment_starts(NUM_FRAMES, clip_len, 1)[0]
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
        event=is_event(truths[name], frames.shape[1]))


def draw_pictures(model, dataset, truths: dict, out: Path) -> np.ndarray:
    """Draw some test videos.

    Returns:
        np.ndarray: Over all test videos, the mean share of the true class's
        saliency on frames of the event, and the share of such frames.
    """
    names, shares = model.cls_head.class_names, []
    for index in range(len(dataset)):
        seen = spot(model, dataset, index, truths)
        shares.append(
            (seen['saliency'][seen['label'],
                              seen['event']].sum(), seen['event'].mean()))
        if index >= NUM_PICTURES:
            continue
        ranked = seen['scores'].argsort(descending=True).tolist()
        other = next(k for k in ranked if k != seen['label'])
        rows = [seen['label'], other]
        draw_saliency(
            str(out / f'saliency_{index}.png'),
            seen['images'],
            seen['saliency'][rows], [
                f'"{names[k]}" ({what}, score {seen["scores"][k]:.2f})'
                for k, what in zip(rows, ('true class',
                                          'the best other class'))
            ],
            title=f'{seen["name"]}: {names[seen["label"]]} (recognized as '
            f'{names[ranked[0]]}); red: the action is seen',
            marked=seen['event'])
    return 100 * np.mean(shares, axis=0)


def main() -> None:
    args = parse_args()
    register_all_modules()
    cfg = Config.fromfile(str(ROOT / 'configs' / 'bike_demo.py'))
    truths = json.loads((Path(cfg.data_root) / 'truth.json').read_text())
    model = MODELS.build(cfg.model)
    model.init_weights()
    zero_shot = zero_shot_accuracy(
        model.eval(), Runner.build_dataloader(cfg.test_dataloader))
    lines = [
        '| top-1 on the test clips, in % | zero-shot, 1x1 views | '
        'trained, 4x3 views |', '|---|---|---|'
    ]
    for key, name in MODELS_SHOWN.items():
        found = trained_accuracy(args.work_dir, key, args.seeds)
        spread = found.std(ddof=1) if len(found) > 1 else 0
        lines.append(f'| {name} | {zero_shot[key]:.1f} | {found.mean():.1f} '
                     f'± {spread:.1f} |')
    lines.append(f'| max pooling | {zero_shot["max"]:.1f} | |')
    load_checkpoint(
        model, str(args.work_dir / f'vcs_seed{args.seeds[0]}' / 'epoch_3.pth'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    share, uniform = draw_pictures(model, dataset, truths, args.work_dir)
    lines.append(
        f'\n{model.cls_head.num_classes} classes (chance '
        f'{100 / model.cls_head.num_classes:.1f} %), '
        f'{len(dataset)} test clips, '
        f'{len(args.seeds)} seeds (mean ± standard deviation). Share of the '
        "true class's saliency on frames that show the action: "
        f'{share:.0f} %; a uniform saliency would have {uniform:.0f} %.')
    table = '\n'.join(lines)
    (args.work_dir / 'results.md').write_text(table + '\n')
    print(f'\n{table}\n\nPictures: {args.work_dir}/saliency_*.png')


if __name__ == '__main__':
    main()
