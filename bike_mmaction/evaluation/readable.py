"""Tests and validations that go on past videos that cannot be read."""

import copy
from collections.abc import Sequence
from typing import Any, Optional

import torch
from mmaction.registry import LOOPS
from mmengine.evaluator import Evaluator
from mmengine.runner import TestLoop

from ..datasets.transforms.reading import samples_of
from ..models.loading import is_sharded
from ..models.wrappers import unwrap_model


class GoesOnPastUnreadable:
    """What such loops have in common; stands before one of MMEngine's.

    The data set's pipeline is in :class:`.ReportUnreadable`. The model gets
    what could be read. The evaluator gets the others too, in their order, as
    data samples with the reason as ``unreadable`` and without predictions.
    """

    evaluator: Evaluator
    runner: Any
    _example: Optional[dict] = None  # one that could be read, as a batch

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Evaluate what could be read, and report the whole batch."""
        samples = samples_of(data_batch)
        readable = [i for i, s in enumerate(samples) if 'unreadable' not in s]
        inputs = data_batch['inputs']
        self._take_part(inputs, samples, readable)
        if len(readable) == len(samples):
            self._run_readable(idx, data_batch)
            return
        evaluator, outputs = self.evaluator, _Outputs()
        self.evaluator = outputs
        try:
            if readable:
                self._run_readable(
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

    def _take_part(self, inputs: Any, samples: Sequence, readable: list[int]) -> None:
        """Where processes share one model (FSDP), each computes in each iteration.

        One that could read nothing computes what it has read before, for nothing.
        """
        if not is_sharded(unwrap_model(self.runner.model)):
            return
        if readable:
            first = readable[0]
            self._example = dict(inputs=[inputs[first]], data_samples=[samples[first]])
        elif self._example is None:
            raise RuntimeError(
                'not one video of the first batch of a process could be read, and FSDP '
                f'needs one: {samples[0].unreadable}'
            )
        else:
            self.runner.model.val_step(copy.deepcopy(self._example))

    def _run_readable(self, idx: int, data_batch: dict) -> None:
        super().run_iter(idx, data_batch)  # type: ignore[misc]


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
class ReadableTestLoop(GoesOnPastUnreadable, TestLoop):
    """A test loop for pipelines in :class:`.ReportUnreadable`."""
