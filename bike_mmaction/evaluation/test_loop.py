"""Testing and validation that name what they could not read."""

import logging
from collections.abc import Sequence
from typing import Optional

from mmaction.registry import LOOPS
from mmengine.dist import master_only
from mmengine.evaluator import BaseMetric, DumpResults, Evaluator
from mmengine.logging import print_log
from mmengine.runner import ValLoop

from ..datasets.bad_videos import (
    FILE_NAME,
    MOST_NAMED,
    BadVideos,
    sentences_of,
    write_bad_videos,
)
from ..datasets.entries import annotated, innermost
from ..datasets.labels import check_labels
from ..datasets.transforms import ReportUnreadable
from ..models.wrappers import number_of_classes
from ..video import TIME_LIMIT
from .counting import PlaceholderEvaluator, VideoCount
from .readable import GoesOnPastUnreadable, ReadableTestLoop
from .results import describe_test, write_results


@LOOPS.register_module()
class ReportingTestLoop(ReadableTestLoop):
    """Test, count the videos that could not be read, and write the results.

    No video stands for another: one that cannot be opened or decoded counts
    in no metric, and is named in the log and in the results; see
    :func:`.write_results`. So are damaged ones, which count with what of them
    can be read.

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
        _go_on_past_unreadable(dataset, time_limit)
        self.count = VideoCount()
        self.evaluator = _counting(PlaceholderEvaluator, self.count, self.evaluator)

    def run(self) -> dict:
        """Test.

        Returns:
            dict: The metrics, with ``videos/evaluated``, ``videos/missing``
            and ``videos/undecodable``.
        """
        metrics = super().run()
        reasons = [u.reason for u in self.count.unreadable]
        damaged = self.count.damaged
        self.results = describe_test(
            self.runner, self.dataloader.dataset, metrics, reasons, damaged
        )
        _name('Not evaluated', reasons, 'results.json')
        _name('Damaged, but evaluated', sentences_of(damaged), 'results.json')
        write_results(self.runner, self.results)
        return metrics


@LOOPS.register_module()
class ReportingValLoop(GoesOnPastUnreadable, ValLoop):
    """Validate, and name the videos that could not be read.

    As in a :class:`ReportingTestLoop` they count in no metric. The log names
    each of them once, however often it is validated; ``bad_videos.json``
    beside it names all. Data sets without a pipeline are validated as
    MMEngine does.

    Args:
        runner (Runner): The runner.
        dataloader (dict | DataLoader): Its data set's pipeline may be any.
        evaluator (dict | list | Evaluator): The metrics.
        fp16 (bool): See ``ValLoop``. Defaults to False.
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
        for dataset in annotated(self.dataloader.dataset):
            _go_on_past_unreadable(dataset, time_limit)
        self.count, self._bad = VideoCount(), BadVideos()
        self.evaluator = _counting(_WithoutCounts, self.count, self.evaluator)

    def run(self) -> dict:
        """Validate; returns the metrics, and nothing else."""
        metrics = super().run()
        self._tell()
        return metrics

    @master_only
    def _tell(self) -> None:
        """Name what is new; say how many there are."""
        unreadable = {u.reason: u.reason for u in self.count.unreadable}
        new = self._bad.add(BadVideos(unreadable, self.count.damaged))
        if not unreadable and not self.count.damaged:
            return
        _name('Not validated', list(new.unreadable), FILE_NAME)
        _name('Damaged, but validated', sentences_of(new.damaged), FILE_NAME)
        videos = len(self.dataloader.dataset)
        path = write_bad_videos(
            self.runner.log_dir,
            'validation',
            dict(videos=videos, **self._bad.as_json()),
        )
        print_log(
            f'Validation: of {videos} videos {len(self.count.unreadable)} could not be '
            f'read and count in no metric, {len(self.count.damaged)} are damaged and '
            f'count. All of them: {path}',
            'current',
            logging.WARNING,
        )


def _counting(
    kind: type[PlaceholderEvaluator], count: VideoCount, evaluator: Evaluator
) -> PlaceholderEvaluator:
    """An evaluator with the metrics of another one, which also counts."""
    counting = kind([count, *evaluator.metrics])
    counting.dataset_meta = evaluator.dataset_meta
    return counting


class _WithoutCounts(PlaceholderEvaluator):
    """Counts videos, which is no metric that a best checkpoint could have."""

    def evaluate(self, size: int) -> dict:
        metrics = super().evaluate(size)
        counts = f'{VideoCount.default_prefix}/'
        return {k: v for k, v in metrics.items() if not k.startswith(counts)}


def _go_on_past_unreadable(dataset, time_limit: Optional[float]) -> None:
    """Put the pipeline of a data set into one that reports what it cannot read."""
    dataset.pipeline = ReportUnreadable(
        dataset.pipeline.transforms, time_limit=time_limit, warns=False
    )


def _name(what: str, sentences: Sequence[str], file: str) -> None:
    """One line for each of the first ones, and one for all the others."""
    for sentence in sentences[:MOST_NAMED]:
        print_log(f'{what}: {sentence}', 'current', logging.WARNING)
    more = len(sentences) - MOST_NAMED
    if more > 0:
        print_log(
            f'{what}: {more} more, which {file} names', 'current', logging.WARNING
        )


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
