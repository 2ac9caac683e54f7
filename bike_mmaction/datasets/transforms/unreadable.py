"""Pipelines that go on past videos that cannot be read."""

from collections.abc import Sequence
from typing import Optional

from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from ...errors import UnreadableError
from ...files import source_of
from ...shards import exists
from ...video import TIME_LIMIT, WorkerError
from ..isolation import Isolated
from .reading import mark_reading, samples_of, without_damage_warnings


@TRANSFORMS.register_module()
class ReportUnreadable(BaseTransform):
    """Run a whole pipeline; where it cannot read a video, say so and go on.

    A video that cannot be opened, sampled or decoded is packed as
    ``inputs=None`` and a data sample with the reason as ``unreadable``, and
    with ``missing``: whether there is no such file. A
    :class:`.ReadableTestLoop` handles it. What fails later is no fault of
    the video, and an error. The data sample of a video of which a part is
    missing has the file and that part as ``damage``.

    Args:
        transforms (list[dict]): The pipeline, ``PackActionInputs`` included.
        forget (Sequence[str]): Keys to remove before, such as the label
            where the model knows other classes. Defaults to ().
        time_limit (float, optional): Seconds for a video file. It is read in
            a process of its own, so that one which crashes its decoder or
            takes longer is unreadable, too. Defaults to 60; None reads
            in this process, as long as it takes.
        warns (bool): Whether to warn of damaged videos; not where their data
            samples are enough. Defaults to True.
    """

    def __init__(
        self,
        transforms: list[dict],
        forget: Sequence[str] = (),
        time_limit: Optional[float] = TIME_LIMIT,
        warns: bool = True,
    ) -> None:
        self.steps, self._damaged = Compose(transforms), dict[str, str]()
        self._reads = mark_reading(self.steps.transforms, self._damaged)
        self.forget, self.warns = tuple(forget), warns
        self._isolated = Isolated(self._apply, time_limit)
        self._lost: dict[str, str] = {}  # crashed or late: not tried again

    def transform(self, results: dict) -> dict:
        """Apply the pipeline.

        Raises:
            PipelineError: if a transform fails on a video that was read.
        """
        for key in self.forget:
            results.pop(key, None)
        if not self._reads or 'filename' not in results:
            return self._apply(results)
        file = results['filename']
        if file not in self._lost:
            try:
                return self._isolated(results)
            except WorkerError as error:
                self._lost[file] = str(error.of_video(file))
        return _unreadable(_known(results), self._lost[file])

    def _apply(self, results: dict) -> dict:
        known = _known(results)
        self._damaged.clear()
        try:
            with without_damage_warnings(not self.warns):
                results = self.steps(results)
        except UnreadableError as error:
            return _unreadable(known, str(error))
        for file, missing in self._damaged.items():
            for sample in samples_of(results):
                sample.set_field(dict(file=file, missing=missing), 'damage')
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(transforms={self.steps}, forget={self.forget})'
        )


def _known(results: dict) -> dict:
    """What names a video."""
    keys = ('filename', 'frame_dir', 'sample_idx')
    return {key: results[key] for key in keys if key in results}


def _unreadable(known: dict, reason: str) -> dict:
    source = source_of(known, '')
    sample = ActionDataSample(metainfo=known)
    sample.set_field(reason, 'unreadable')
    sample.set_field('://' not in source and not exists(source), 'missing')
    return dict(inputs=None, data_samples=sample)
