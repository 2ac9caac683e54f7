"""Pipelines that go on past videos that cannot be read."""

import os.path as osp
from collections.abc import Sequence

from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from ...errors import PipelineError
from ...files import source_of


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
    """

    def __init__(self, transforms: list[dict], forget: Sequence[str] = ()) -> None:
        # One by one, to know which one fails.
        self.steps = [Compose([transform]) for transform in transforms]
        self.forget = tuple(forget)

    def transform(self, results: dict) -> dict:
        """Apply the pipeline.

        Raises:
            PipelineError: if a transform fails on a video that was read.
        """
        for key in self.forget:
            results.pop(key, None)
        known = {
            key: results[key]
            for key in ('filename', 'frame_dir', 'sample_idx')
            if key in results
        }
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
