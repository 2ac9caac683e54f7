"""From the host to a GPU without waiting for what the GPU has yet to do."""

import torch
from torch import Tensor

HOST = torch.device('cpu')
# Elsewhere a copy that nobody waits for may come too late.
_IN_ORDER = ('cuda', 'cpu')


def takes_in_order(device: torch.device) -> bool:
    """Whether a device copies before it does what comes next, so that nobody has to
    wait. The host would read what a GPU has not sent yet."""
    return device.type in _IN_ORDER and device != HOST


def copy_to(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; in the order of the device's work.

    Args:
        tensor (Tensor): Best in page-locked memory, as of a loader with
            ``pin_memory``; it is put there first where it is not.
        device (torch.device): Where to. If it is there, nothing is copied.
    """
    comes_from_host = device.type == 'cuda' and tensor.device.type == 'cpu'
    if comes_from_host and not tensor.is_pinned():
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=takes_in_order(device))
