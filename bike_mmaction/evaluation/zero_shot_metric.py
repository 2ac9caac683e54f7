"""The zero-shot protocol of UCF-101, HMDB-51 and ActivityNet, as a metric."""
from typing import Sequence

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric

from .zero_shot import TOPK, protocol


@METRICS.register_module()
class ZeroShotMetric(BaseMetric):
    """Full-classes and half-classes accuracy of votes of single frames.

    Needs ``frame_scores`` [T, K] of every video, which a :class:`.VCSHead`
    gives with ``keep_frame_scores=True``. See
    :func:`bike_mmaction.evaluation.zero_shot.protocol`.

    Args:
        scale (float): Factor of the cosines. Defaults to 100, as released.
        topk (Sequence[int]): Which accuracies. Defaults to (1, 5).
        **kwargs: Arguments of ``BaseMetric``.
    """
    default_prefix = 'zero_shot'

    def __init__(self,
                 scale: float = 100.,
                 topk: Sequence[int] = TOPK,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.topk = tuple(topk)

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep scores and label of each video.

        Raises:
            ValueError: if there are no scores of frames, or several labels.
        """
        for sample in data_samples:
            if 'frame_scores' not in sample:
                raise ValueError('ZeroShotMetric needs frame_scores: set '
                                 'model.cls_head.keep_frame_scores=True')
            if sample['gt_label'].numel() != 1:
                raise ValueError('ZeroShotMetric needs one label a video')
            self.results.append((sample['frame_scores'].cpu().numpy(),
                                 sample['gt_label'].item()))

    def compute_metrics(self, results: list) -> dict:
        """See :func:`.protocol`."""
        scores, labels = zip(*results)
        return protocol(self.scale * np.stack(scores), np.array(labels),
                        self.topk)
