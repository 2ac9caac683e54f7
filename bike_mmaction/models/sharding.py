"""Which parts of a model FSDP cuts into shards, and what then is different.

Each process keeps a shard of the weights, and a part of the model, such as a
transformer block, is put together while it computes. All processes do that at
the same time, so all of them must compute the same parts in the same order.
"""

from collections.abc import Iterator

import torch.nn as nn
from torch import Tensor

from .attributes_head import AttributesTextHead
from .clip.lora import is_list_of_blocks
from .clip.text_encoder import CLIPTextEncoder
from .clip.tower import CLIPTower
from .loading import note_tensors


def whole_encoders(model: nn.Module) -> list[CLIPTower]:
    """Encoders of which nothing is trained.

    They stay whole on each process: they have neither gradients nor a state of the
    optimizer, and text is embedded once, or where a process has some, so that not
    all of them would take part at the same time.
    """
    towers = [part for part in model.modules() if isinstance(part, CLIPTower)]
    return [t for t in towers if not any(p.requires_grad for p in t.parameters())]


def whole_weights(model: nn.Module) -> list[nn.Parameter]:
    """Weights that stay whole: of such encoders, and single numbers.

    FSDP takes no scalars, which are ``logit_scale`` and the bias of a loss.
    """
    of_encoders = {id(p) for t in whole_encoders(model) for p in t.parameters()}
    return [p for p in model.parameters() if not p.ndim or id(p) in of_encoders]


def blocks(model: nn.Module) -> list[nn.Module]:
    """Parts that are put together one after the other.

    The blocks of all transformers, or stages and blocks of convolutions, but for
    those of encoders that stay whole.
    """
    whole = {id(part) for t in whole_encoders(model) for part in t.modules()}
    return [block for block in _all_blocks(model) if id(block) not in whole]


def _all_blocks(model: nn.Module) -> Iterator[nn.Module]:
    for part in model.modules():
        if is_list_of_blocks(part):
            yield from part.children()


def prepare_to_shard(model: nn.Module) -> None:
    """Let a model know that it will be in shards.

    Args:
        model (nn.Module): Whose weights are whole yet.

    Raises:
        ValueError: if its processes would not compute the same parts.
    """
    for part in model.modules():
        if isinstance(part, AttributesTextHead) and part.attributes_encoder is not None:
            raise ValueError(
                'FSDPStrategy: attributes_head.attributes_encoder cannot be in shards, '
                'as only some processes have attributes to embed; leave out `strategy` '
                'and `runner_type`: DistributedDataParallel trains it'
            )
        if isinstance(part, CLIPTextEncoder):
            part.is_sharded = any(p.requires_grad for p in part.parameters())
    note_tensors(model)


def average_gradients(weight: nn.Parameter) -> None:
    """Average the gradient of a whole weight over all processes, in each backward.

    FSDP does so with those in shards.

    Args:
        weight (nn.Parameter): Which is trained.
    """
    import torch.distributed as dist

    def average(gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient / dist.get_world_size()

    weight.register_hook(average)
