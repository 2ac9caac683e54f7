"""Score files, as a test of one or both branches writes them."""

import mmengine
import numpy as np
import torch

from bike_mmaction.evaluation.score_dumps import read_dump

# V misses the third video, A the first two. Fused, the second is right where
# .6 λ > .4 (1 - λ), the third where .4 (1 - λ) > .2 λ: 2/5 < λ < 2/3.
VIDEO = [[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]
ATTRIBUTES = [[0.4, 0.6], [0.3, 0.7], [0.3, 0.7], [0.2, 0.8]]
LABELS = [0, 0, 1, 1]


def sample(number, label, **scores):
    """A video of a dump, as ``ActionDataSample.to_dict()`` has it."""
    scores = {
        f'{branch}_score': torch.tensor(score, dtype=torch.float64)
        for branch, score in scores.items()
        if score is not None
    }
    pred = scores.get('pred_score', next(iter(scores.values())))
    return dict(
        scores,
        pred_score=pred,
        pred_label=pred.argmax(-1, keepdim=True),
        gt_label=torch.tensor(label).reshape(-1),
        num_classes=len(pred),
        filename=f'data/videos_val/v{number}.mp4',
        img_shape=(224, 224),
    )


def joint(video=VIDEO, attributes=ATTRIBUTES, labels=LABELS):
    """Samples of a test of both branches."""
    return [
        sample(i, label, video=v, attributes=a)
        for i, (v, a, label) in enumerate(zip(video, attributes, labels))
    ]


def chance(count, num_classes=6, seed=0):
    """Samples whose scores both know something of the label."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, num_classes, count)
    bonus = np.eye(num_classes)[labels]
    scores = [
        torch.tensor(rng.randn(count, num_classes) + strength * bonus)
        .softmax(-1)
        .tolist()
        for strength in (1.5, 1)
    ]
    return joint(*scores, labels.tolist())


def write_and_read(samples, path):
    """Write a dump and read it; return it."""
    mmengine.dump(samples, path)
    return read_dump(str(path))


def without(samples, *keys):
    return [{k: v for k, v in s.items() if k not in keys} for s in samples]
