"""Testing that goes on past videos that cannot be read, and says so."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional

import torch
from mmaction.registry import LOOPS
from mmengine.evaluator import BaseMetric, DumpResults, Evaluator
from mmengine.logging import print_log
from mmengine.runner import TestLoop

from ..datasets.entries import innermost
from ..datasets.labels import check_labels
from ..datasets.transforms import ReportUnreadable
from ..models.text_head import number_of_classes
from ..video import TIME_LIMIT
from .results import describe_test, write_results


@dataclass(frozen=True)  # a tuple would be taken apart by mmengine
class Unreadable:
    """What stands in a metric's results for a video without prediction.

    Attributes:
        reason (str): Names the file.
        missing (bool): Whether there is no such file.
    """

    reason: str
    missing: bool


class VideoCount(BaseMetric):
    """How many videos a test has evaluated.

    After the evaluation ``unreadable`` lists the others, in the main process.
    """

    default_prefix = 'videos'
    takes_unreadable = True

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.unreadable: list[Unreadable] = []

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Note for each video whether it could be read."""
        for sample in data_samples:
            # mmengine drops None where it gathers the results of ranks.
            self.results.append(
                Unreadable(sample['unreadable'], sample['missing'])
                if 'unreadable' in sample
                else 'evaluated'
            )

    def compute_metrics(self, results: list) -> dict[str, int]:
        """Numbers of videos: evaluated, missing, undecodable.

        Raises:
            RuntimeError: if there are none to evaluate.
        """
        self.unreadable = [r for r in results if isinstance(r, Unreadable)]
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


@LOOPS.register_module()
class ReadableTestLoop(TestLoop):
    """A test loop for pipelines in :class:`.ReportUnreadable`.

    The model gets what could be read. The evaluator gets the others too, in
    their order, as data samples with the reason as ``unreadable`` and
    without predictions.
    """

    evaluator: Evaluator

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Test what could be read, and report the whole batch."""
        samples, inputs = data_batch['data_samples'], data_batch['inputs']
        readable = [i for i, s in enumerate(samples) if 'unreadable' not in s]
        if len(readable) == len(samples):
            super().run_iter(idx, data_batch)
            return
        evaluator, outputs = self.evaluator, _Outputs()
        self.evaluator = outputs
        try:
            if readable:
                super().run_iter(
                    idx,
                    dict(
                        inputs=[inputs[i] for i in readable],
                        data_samples=[samples[i] for i in readable],
                    ),
                )
        finally:
            self.evaluator = evaluator
        predicted = iter(outputs.data_samples)
        evaluator.process(
            [s if 'unreadable' in s else next(predicted) for s in samples], data_batch
        )


class _Outputs(Evaluator):
    """Keeps what the model said of a batch."""

    def __init__(self) -> None:
        super().__init__([])
        self.data_samples: Sequence = ()

    def process(
        self, data_samples: Sequence, data_batch: Optional[dict] = None
    ) -> None:
        """Keep them."""
        self.data_samples = data_samples


@LOOPS.register_module()
class ReportingTestLoop(ReadableTestLoop):
    """Test, count the videos that could not be read, and write the results.

    No video stands for another: one that cannot be opened or decoded counts
    in no metric, and is named in the log and in the results; see
    :func:`.write_results`.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): Its data set's pipeline may be any.
        evaluator (dict | list | Evaluator): The metrics.
        fp16 (bool): See ``TestLoop``. Defaults to False.
        time_limit (float, optional): Seconds to read a video file in, see
            :class:`.ReportUnreadable`. Defaults to 60.
    """

    def __init__(
        self,
        runner,
        dataloader,
        evaluator,
        fp16=False,
        time_limit: Optional[float] = TIME_LIMIT,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        dataset = innermost(self.dataloader.dataset)
        if not hasattr(dataset, 'pipeline'):
            raise TypeError(
                'ReportingTestLoop needs a data set with a '
                f'pipeline, got a {type(dataset).__name__}'
            )
        metrics = self.evaluator.metrics
        classes = number_of_classes(runner.model)
        if classes is not None:
            _check_labels(self.dataloader.dataset, classes, metrics)
        dataset.pipeline = ReportUnreadable(
            dataset.pipeline.transforms, time_limit=time_limit
        )
        self.count = VideoCount()
        meta = self.evaluator.dataset_meta
        self.evaluator = PlaceholderEvaluator([self.count, *metrics])
        self.evaluator.dataset_meta = meta

    def run(self) -> dict:
        """Test.

        Returns:
            dict: The metrics, with ``videos/evaluated``, ``videos/missing``
            and ``videos/undecodable``.
        """
        metrics = super().run()
        reasons = [u.reason for u in self.count.unreadable]
        for reason in reasons:
            print_log(f'Not evaluated: {reason}', 'current', logging.WARNING)
        self.results = describe_test(
            self.runner, self.dataloader.dataset, metrics, reasons
        )
        write_results(self.runner, self.results)
        return metrics


def _check_labels(dataset, classes: int, metrics: Sequence[BaseMetric]) -> None:
    """What has no label would count as wrong.

    But for a video that may have several and has none: a metric with an
    attribute ``takes_unlabelled`` counts it as negative of every class.
    """
    measuring = [m for m in metrics if not isinstance(m, DumpResults)]
    check_labels(
        dataset,
        classes,
        required=bool(measuring),
        negatives=all(
            getattr(metric, 'takes_unlabelled', False) for metric in measuring
        ),
        hint='; or, for predictions alone, set test_evaluator to DumpResults',
    )
