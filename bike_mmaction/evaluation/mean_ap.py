"""Mean average precision, for one or several labels a video."""

import numpy as np
from mmaction.evaluation import AccMetric, mean_average_precision
from mmaction.registry import METRICS
from mmengine.logging import print_log


@METRICS.register_module()
class MeanAPMetric(AccMetric):
    """mAP of Charades and ActivityNet (Tables 2 and 3), as ``acc/mAP``.

    MMAction2's ``mean_average_precision``, which takes neither single
    labels nor says what it leaves out. The average precision of a class is
    that of scikit-learn; classes without any video have none and do not
    count. Where a video may have several labels and has none, it is a
    negative of every class, such as 49 of the test videos of Charades.

    It is the mAP of all videos. What the authors' code prints on Charades is
    the mean of the mAP after each batch, which is 0.5 to 1.3 % higher.
    """

    takes_unlabelled = True

    def __init__(self, **kwargs) -> None:
        super().__init__(metric_list=('mean_average_precision',), **kwargs)

    def calculate(self, preds: list[np.ndarray], labels: list) -> dict:
        """Compute the metric.

        Args:
            preds (list[np.ndarray]): Scores [K] of each video.
            labels (list[int | np.ndarray]): Its class, or zeros and ones [K].

        Returns:
            dict: ``mAP``.

        Raises:
            ValueError: if no video has a label.
        """
        truth = np.stack([_one_hot(y, len(preds[0])) for y in labels])
        present = np.asarray(truth.any(axis=0))
        if not present.any():
            raise ValueError(f'mAP: none of {len(labels)} videos has a label')
        if not present.all():
            print_log(
                f'mAP over {present.sum()} of {len(present)} classes: of the '
                'others there are no videos',
                'current',
            )
        scores = np.stack(preds)[:, present]
        return dict(mAP=float(mean_average_precision(scores, truth[:, present])))


def _one_hot(label, num_classes: int) -> np.ndarray:
    if np.ndim(label):
        return np.asarray(label)
    one_hot = np.zeros(num_classes, dtype=int)
    if label >= 0:  # -1: the video has none
        one_hot[label] = 1
    return one_hot
