"""Pipelines that go on past videos that cannot be read."""

import os
import os.path as osp
from collections.abc import Sequence
from typing import Optional

from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from ...errors import PipelineError
from ...files import source_of
from ...video import TIME_LIMIT, WorkerError, WorkerPool


@TRANSFORMS.register_module()
class ReportUnreadable(BaseTransform):
    """Run a whole pipeline; where it cannot read a video, say so and go on.

    A video that cannot be opened, sampled or decoded is packed as
    ``inputs=None`` and a data sample with the reason as ``unreadable``, and
    with ``missing``: whether there is no such file. A
    :class:`.ReadableTestLoop` handles it. What fails later is no fault of
    the video, and an error.

    Args:
        transforms (list[dict]): The pipeline, ``PackActionInputs`` included.
        forget (Sequence[str]): Keys to remove before, such as the label
            where the model knows other classes. Defaults to ().
        time_limit (float, optional): Seconds for a video file. It is read in
            a process of its own, so that one which crashes its decoder or
            takes longer is unreadable, too. Defaults to 60; None reads
            in this process, as long as it takes.
    """

    def __init__(
        self,
        transforms: list[dict],
        forget: Sequence[str] = (),
        time_limit: Optional[float] = TIME_LIMIT,
    ) -> None:
        # One by one, to know which one fails.
        self.steps = [Compose([transform]) for transform in transforms]
        self.forget, self.time_limit = tuple(forget), time_limit
        self._pools: dict[int, WorkerPool] = {}  # by the process that has it

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _pools={})

    def transform(self, results: dict) -> dict:
        """Apply the pipeline.

        Raises:
            PipelineError: if a transform fails on a video that was read.
        """
        for key in self.forget:
            results.pop(key, None)
        if self.time_limit is None or 'filename' not in results:
            return self._apply(results)
        try:
            return self._pool(self.time_limit).run(results)
        except WorkerError as error:
            reason = str(error.of_video(results['filename']))
            return _unreadable(_known(results), reason)

    def _pool(self, time_limit: float) -> WorkerPool:
        """One process beside each that reads for a data loader."""
        own = os.getpid()
        if own not in self._pools:
            self._pools = {own: WorkerPool(self._apply, 1, time_limit)}
        return self._pools[own]

    def _apply(self, results: dict) -> dict:
        known = _known(results)
        for step in self.steps:
            try:
                results = step(results)
            except PipelineError as error:
                if not _reads(step):
                    raise
                return _unreadable(known, str(error))
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(transforms={self.steps}, forget={self.forget})'
        )


def _known(results: dict) -> dict:
    """What names a video."""
    keys = ('filename', 'frame_dir', 'sample_idx')
    return {key: results[key] for key in keys if key in results}


def _reads(step: Compose) -> bool:
    """Whether a transform opens or decodes: MMAction2's names tell."""
    name = type(step.transforms[0]).__name__
    return name.endswith(('Init', 'Decode', 'SampleFrames')) or name == 'KeepSegment'


def _unreadable(known: dict, reason: str) -> dict:
    source = source_of(known, '')
    sample = ActionDataSample(metainfo=known)
    sample.set_field(reason, 'unreadable')
    sample.set_field('://' not in source and not osp.exists(source), 'missing')
    return dict(inputs=None, data_samples=sample)
