"""MMAction2's accuracy for one branch of a recognizer."""

from collections.abc import Sequence

from mmaction.evaluation import AccMetric
from mmaction.registry import METRICS

from ..models.branches import BRANCHES

ABSENT = 'absent'  # mmengine drops None where it gathers the results of ranks


@METRICS.register_module()
class BranchMetric(AccMetric):
    """``AccMetric`` of the video branch or of the attributes branch alone.

    ``AccMetric`` itself looks at ``pred_score``, which is that of both
    branches together. With all three in the list of an evaluator, one test
    reports V, A and V+A (Table 6d-g).

    Args:
        branch (str): 'video' or 'attributes'; the prefix of the metrics.
        **kwargs: Arguments of ``AccMetric``.

    Raises:
        ValueError: if there is no such branch.
    """

    def __init__(self, branch: str, **kwargs) -> None:
        if branch not in BRANCHES:
            raise ValueError(f'branch={branch!r}; choose from {BRANCHES}')
        kwargs.setdefault('prefix', branch)
        super().__init__(**kwargs)
        self.branch = branch

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Take the branch's score, or note that the branch had nothing."""
        name = f'{self.branch}_score'
        for sample in data_samples:
            if name in sample:
                super().process(data_batch, [dict(sample, pred_score=sample[name])])
            else:
                self.results.append(ABSENT)

    def compute_metrics(self, results: list) -> dict:
        """Metrics over the videos that the branch recognized.

        Returns:
            dict: As ``AccMetric``; where it did not recognize all of them,
            their share is added as ``coverage``.

        Raises:
            ValueError: if there are none.
        """
        recognized = [result for result in results if result != ABSENT]
        if not recognized:
            raise ValueError(
                f"BranchMetric(branch='{self.branch}'): no sample has a "
                f"'{self.branch}_score'; has the model this branch, and the "
                'pipeline what it needs?'
            )
        metrics = super().compute_metrics(recognized)
        if len(recognized) < len(results):
            metrics['coverage'] = len(recognized) / len(results)
        return metrics
