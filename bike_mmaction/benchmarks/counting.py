"""What a part computes, how often it waits for the GPU, and what memory it takes."""

import os.path as osp
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional

import torch
import torch.nn as nn
from torch.utils.flop_counter import FlopCounterMode

from ..models.clip.gpu_layers import all_tokens

# 10^12 operations a second of dense bfloat16 and float16 matrix products, from
# NVIDIA's data sheets, without sparsity.
PEAKS = {'H200': 989.4, 'H100': 989.4, 'A100': 312.0, 'L40S': 362.0, 'L4': 121.0}
# Before torch 2.3 its counter misses attention that takes the fast path.
COUNTS = hasattr(torch.backends, 'mha')
# What modules of open_clip and timm, and of Hugging Face, call recomputing.
_RECOMPUTES = ('grad_checkpointing', 'gradient_checkpointing')


def count_operations(part: Callable[[], Any]) -> int:
    """Floating-point operations of its matrix products, attention and
    convolutions; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, _known_attention():
        part()
    return counter.get_total_flops()


@contextmanager
def as_defined(model: nn.Module) -> Iterator[None]:
    """While towers compute all their tokens, and nothing a second time for the
    backward pass (``with_cp``)."""
    recomputing = [
        (module, name)
        for module in model.modules()
        for name in _RECOMPUTES
        if getattr(module, name, None) is True
    ]
    for module, name in recomputing:
        setattr(module, name, False)
    try:
        with all_tokens(model):
            yield
    finally:
        for module, name in recomputing:
            setattr(module, name, True)


@contextmanager
def _known_attention() -> Iterator[None]:
    """Attention by ways that the counter knows.

    It does not know the fast path of torch's transformers, nor the fused attention
    of CPUs; that of GPUs it knows.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel  # of torch 2.3

    mha = torch.backends.mha
    fast = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        if torch.cuda.is_available():  # where plain attention takes much memory
            yield
        else:
            with sdpa_kernel(SDPBackend.MATH):
                yield
    finally:
        mha.set_fastpath_enabled(fast)


def synchronisations(part: Callable[[], None]) -> Counter[str]:
    """Where the host waits for the GPU in it, and how often, as torch finds out.

    Args:
        part (Callable): What to run.

    Returns:
        Counter[str]: By file and line, such as 'concept_spotting.py:12'.
    """
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            part()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    return Counter(
        f'{osp.basename(warning.filename)}:{warning.lineno}'
        for warning in caught
        if 'synchronizing' in str(warning.message)
    )


def peak_of_device(device: torch.device) -> Optional[float]:
    """10^12 operations a second that the GPU can do; None if not known."""
    name = torch.cuda.get_device_name(device)
    return next((peak for key, peak in PEAKS.items() if key in name), None)


def used_memory() -> int:
    """Bytes of the GPU that tensors take now; 0 without a GPU."""
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def peak_memory(part: Callable[[], Any], before: int = 0) -> float:
    """Of the GPU in GiB, at the worst moment of a part.

    Args:
        part (Callable): What to run.
        before (int): Bytes of others that lie there. Defaults to 0: count all.
    """
    torch.cuda.reset_peak_memory_stats()
    part()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**30
