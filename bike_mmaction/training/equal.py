"""Whether the ranks of a training always have as many videos as each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmaction.datasets.repeat_aug_dataset import repeat_pseudo_collate
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.dist import all_gather_object, get_world_size
from torch.utils.data import BatchSampler

from ..models.wrappers import unwrap_model

COLLATES = (default_collate, pseudo_collate, repeat_pseudo_collate)


@contextmanager
def equal_batches(model: Any, loader: Any) -> Iterator[None]:
    """Tell the loss of a head that batches are equal, if they are.

    That of ``attributes_head`` is not told: it counts videos that have some.

    Args:
        model (nn.Module): A recognizer, as the runner has it.
        loader (DataLoader): Of the training set, before it is read.
    """
    loss: Any = getattr(
        getattr(unwrap_model(model), 'cls_head', None), 'loss_cls', None
    )
    if get_world_size() == 1 or not hasattr(loss, 'equal_batches'):
        yield
        return
    loss.equal_batches = are_equal(loader)
    try:
        yield
    finally:
        loss.equal_batches = False


def are_equal(loader: Any) -> bool:
    """Whether the batches of all ranks are of the same sizes; all have to ask."""
    batches = getattr(loader, 'batch_sampler', None)
    own: Any = None  # of other batches nothing is known
    collate = getattr(loader, 'collate_fn', None)
    # Others may leave out samples.
    keeps_all = getattr(collate, 'func', collate) in COLLATES
    if type(batches) is BatchSampler and keeps_all:
        own = (
            type(batches.sampler).__name__,
            len(batches.sampler),  # type: ignore[arg-type]
            batches.batch_size,
            batches.drop_last,
        )
    everyone = all_gather_object(own)
    return own is not None and all(one == own for one in everyone)
