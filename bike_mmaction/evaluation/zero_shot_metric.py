"""The zero-shot protocols of Table 5 as a metric."""

from collections.abc import Sequence

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric

from .zero_shot import TOPK, protocol

# What votes: the scores that the head keeps, and their scale as released.
EVALUATORS = dict(frames=('frame_scores', 100.0), video=('view_scores', 1.0))


@METRICS.register_module()
class ZeroShotMetric(BaseMetric):
    """Full-classes and half-classes accuracy.

    Needs a :class:`.VCSHead` with ``keep_scores=True``. See
    :mod:`bike_mmaction.evaluation.zero_shot`.

    Args:
        evaluator (str): What votes for the class of a video: its 'frames'
            (the model should have no ``neck``), or the views of the whole
            'video' branch. The metrics are called after it,
            ``zero_shot_frames/*`` or ``zero_shot_video/*``.
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).
        **kwargs: Arguments of ``BaseMetric``.

    Raises:
        ValueError: if there is no such evaluator.
    """

    def __init__(self, evaluator: str, topk: Sequence[int] = TOPK, **kwargs) -> None:
        if evaluator not in EVALUATORS:
            raise ValueError(
                f'evaluator={evaluator!r}; choose from {tuple(EVALUATORS)}'
            )
        kwargs.setdefault('prefix', f'zero_shot_{evaluator}')
        super().__init__(**kwargs)
        self.field, self.scale = EVALUATORS[evaluator]
        self.topk = tuple(topk)

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep scores and label of each video.

        Raises:
            ValueError: if there are no such scores, or not one label.
        """
        for sample in data_samples:
            if self.field not in sample:
                raise ValueError(
                    f'ZeroShotMetric needs {self.field}: set '
                    'model.cls_head.keep_scores=True'
                )
            label = sample['gt_label']
            if label.numel() != 1 or label.item() < 0:
                raise ValueError(
                    f'ZeroShotMetric needs one label a video, got {label.tolist()}'
                )
            self.results.append((sample[self.field].cpu().numpy(), label.item()))

    def compute_metrics(self, results: list) -> dict:
        """See :func:`.protocol`."""
        scores, labels = zip(*results)
        return protocol(self.scale * np.stack(scores), np.array(labels), self.topk)
