"""What the ranks of a training give each other for a loss over all their videos."""

from typing import Optional

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor


def sizes_of_ranks(x: Tensor, equal: bool = False) -> Optional[list[int]]:
    """How many rows each rank has.

    Args:
        x (Tensor): [B, ...].
        equal (bool): Whether all are known to have as many as this one. Else they
            tell each other, and the host waits for that. Defaults to False.

    Returns:
        list[int], optional: In the order of the ranks; None if there is one alone.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return None
    if equal:
        return [len(x)] * dist.get_world_size()
    sizes = x.new_zeros(dist.get_world_size(), dtype=torch.long)
    sizes[dist.get_rank()] = len(x)
    dist.all_reduce(sizes)
    return sizes.tolist()


def gather_with_grad(x: Tensor, sizes: Optional[list[int]]) -> Tensor:
    """Concatenate the tensors of all ranks along dimension 0.

    The gradient is the true one: each rank receives what all ranks' losses
    owe to its part. (``mmaction``'s GatherLayer returns 1/ranks of it.)

    Args:
        x (Tensor): [B, ...]; B may differ between ranks.
        sizes (list[int], optional): See :func:`sizes_of_ranks`.

    Returns:
        Tensor: [sum of B, ...], in the order of the ranks.
    """
    if sizes is None:
        return x
    from torch.distributed.nn.functional import all_gather

    padded = F.pad(x, [0, 0] * (x.ndim - 1) + [0, max(sizes) - len(x)])
    parts = all_gather(padded.contiguous())
    return torch.cat([part[:size] for part, size in zip(parts, sizes)])
