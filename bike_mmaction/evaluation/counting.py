"""Metrics of the videos that could be read, and the number of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional, Union

from mmengine.evaluator import BaseMetric, Evaluator


@dataclass(frozen=True)  # a tuple would be taken apart by mmengine
class Unreadable:
    """What stands in a metric's results for a video without prediction.

    Attributes:
        reason (str): Names the file.
        missing (bool): Whether there is no such file.
    """

    reason: str
    missing: bool


@dataclass(frozen=True)
class Damaged:
    """What stands in the results of :class:`VideoCount` for such a video.

    Attributes:
        file (str): The video.
        missing (str): What of it is missing.
    """

    file: str
    missing: str


class VideoCount(BaseMetric):
    """How many videos a test has evaluated.

    After the evaluation ``unreadable`` lists the others, and ``damaged``
    tells by file what is missing of those that are damaged; in the main
    process.
    """

    default_prefix = 'videos'
    takes_unreadable = True

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.unreadable: list[Unreadable] = []
        self.damaged: dict[str, str] = {}

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Note for each video whether it could be read."""
        for sample in data_samples:
            # mmengine drops None where it gathers the results of ranks.
            outcome: Union[str, Unreadable, Damaged] = 'evaluated'
            if 'unreadable' in sample:
                outcome = Unreadable(sample['unreadable'], sample['missing'])
            elif 'damage' in sample:
                outcome = Damaged(**sample['damage'])
            self.results.append(outcome)

    def compute_metrics(self, results: list) -> dict[str, int]:
        """Numbers of videos: evaluated, missing, undecodable.

        Raises:
            RuntimeError: if there are none to evaluate.
        """
        self.unreadable = [r for r in results if isinstance(r, Unreadable)]
        self.damaged = {r.file: r.missing for r in results if isinstance(r, Damaged)}
        if len(self.unreadable) == len(results):
            raise RuntimeError(
                f'none of {len(results)} videos could be read; '
                f'the first: {self.unreadable[0].reason}'
            )
        missing = sum(r.missing for r in self.unreadable)
        return dict(
            evaluated=len(results) - len(self.unreadable),
            missing=missing,
            undecodable=len(self.unreadable) - missing,
        )


class PlaceholderEvaluator(Evaluator):
    """Evaluates videos without prediction as absent, on any number of ranks.

    mmengine orders the results of the ranks by their position. So a video
    that could not be read keeps its place in the results of each metric, and
    is taken out before they are computed.

    Args:
        metrics (Sequence[BaseMetric]): They must keep one result a video.
            Those with an attribute ``takes_unreadable`` get such videos too.
    """

    def __init__(self, metrics: Sequence[BaseMetric]) -> None:
        super().__init__(list(metrics))
        for metric in self.metrics:
            if not getattr(metric, 'takes_unreadable', False):
                metric.compute_metrics = partial(
                    _compute_of_readable, metric.compute_metrics
                )

    def process(
        self, data_samples: Sequence, data_batch: Optional[dict] = None
    ) -> None:
        """Process a batch, of which some may have no prediction.

        Raises:
            TypeError: if a metric does not keep one result a video.
        """
        samples = [dict(s.to_dict()) for s in data_samples]
        readable = [s for s in samples if 'unreadable' not in s]
        for metric in self.metrics:
            if getattr(metric, 'takes_unreadable', False):
                metric.process(data_batch, samples)
                continue
            before = len(metric.results)
            if readable:
                metric.process(data_batch, readable)
            if len(readable) < len(samples):
                _put_placeholders(metric, before, samples)


def _put_placeholders(metric: BaseMetric, before: int, samples: Sequence[dict]) -> None:
    added = metric.results[before:]
    places = [
        Unreadable(s['unreadable'], s['missing']) if 'unreadable' in s else None
        for s in samples
    ]
    if len(added) != places.count(None):
        bad = next(place for place in places if place is not None)
        raise TypeError(
            f'{type(metric).__name__} does not keep one result a video, so '
            f'that it cannot go on past unreadable ones: {bad.reason}'
        )
    following = iter(added)
    metric.results[before:] = [
        next(following) if place is None else place for place in places
    ]


def _compute_of_readable(compute, results: list):
    return compute([r for r in results if not isinstance(r, Unreadable)])
