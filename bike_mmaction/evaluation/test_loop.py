"""Testing that goes on past videos that cannot be read."""
import torch
from mmaction.registry import LOOPS
from mmengine.runner import TestLoop


@LOOPS.register_module()
class ReadableTestLoop(TestLoop):
    """A test loop for pipelines in :class:`.ReportUnreadable`.

    The model gets what could be read. The evaluator gets the others too, as
    data samples with the reason as ``unreadable`` and without predictions.
    """

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Test a batch, then report what of it could not be read."""
        samples = data_batch['data_samples']
        readable = [i for i, s in enumerate(samples) if 'unreadable' not in s]
        unreadable = [s for s in samples if 'unreadable' in s]
        if readable:
            inputs = data_batch['inputs']
            super().run_iter(
                idx,
                dict(
                    inputs=[inputs[i] for i in readable],
                    data_samples=[samples[i] for i in readable]))
        if unreadable:
            self.evaluator.process(unreadable, data_batch)
