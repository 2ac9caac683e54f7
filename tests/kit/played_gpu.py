"""A GPU played by the CPU, which tells when the host would wait for it.

Its device is 'cpu:0', which torch takes for another one than 'cpu'. Tensors on it
hold one of the CPU that computes; what would copy between a GPU and the host,
or ask a GPU for a number, is noted with the line that does it.
"""

import traceback
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU, HOST = torch.device('cpu:0'), torch.device('cpu')
WAIT = 'wait'
# Whose result, or the size of it, the host has to know.
ANSWERS = {
    '_local_scalar_dense',
    '_unique2',
    'equal',
    'is_nonzero',
    'masked_select',
    'nonzero',
    'unique_dim',
}
NO_OPERATIONS = {
    torch.Tensor.tolist: lambda inner: inner.tolist(),
    torch.Tensor.numpy: lambda inner: inner.numpy(),
    torch.Tensor.__array__: lambda inner: inner.numpy(),
}


class OnGPU(torch.Tensor):
    """A tensor on it."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> 'OnGPU':
        new = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=GPU,
        )
        new.inner = inner
        return new

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.Tensor.data_ptr:
            return args[0].inner.data_ptr()
        if func in NO_OPERATIONS:
            PlayedGPU.note(func.__name__)
            return NO_OPERATIONS[func](args[0].inner)
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class PlayedGPU(TorchDispatchMode):
    """Where it is on.

    Attributes:
        noting (bool): Whether what waits is noted; set it.
        waits (list[str]): What waited, and where.
        work (list[str]): Names of all that ran on it meanwhile, with
            :data:`WAIT` where it was waited for.
    """

    now: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.work: list[str] = []
        self.noting = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})

    def __enter__(self):
        PlayedGPU.now = self
        # Else a module that moves changes its parameters in place.
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        return super().__enter__()

    def __exit__(self, *args):
        PlayedGPU.now = None
        torch.__future__.set_overwrite_module_params_on_conversion(False)
        return super().__exit__(*args)

    @classmethod
    def note(cls, what: str) -> None:
        """Something waits."""
        if cls.now is not None and cls.now.noting:
            cls.now.waits.append(f'{what}: {_place()}')
            cls.now.work.append(WAIT)


def _place() -> str:
    """Which lines call, the innermost first, outside of torch and this file."""
    lines = [
        f'{frame.filename.partition("site-packages/")[2] or frame.filename}'
        f':{frame.lineno} {frame.line}'
        for frame in reversed(traceback.extract_stack())
        if '/torch/' not in frame.filename and frame.filename != __file__
    ]
    return ' < '.join(lines[:3])


def compute(func, args: tuple, kwargs: dict) -> Any:
    """Do an operation on what tensors hold; note it where it waits."""
    name = func.overloadpacket.__name__
    flat, _ = tree_flatten((args, kwargs))
    ours = any(isinstance(x, OnGPU) for x in flat)
    target = kwargs.get('device')
    if name == '_to_copy':
        _note_copy(target or args[0].device, args[0], kwargs)
        ours = (target or args[0].device) == GPU
    elif name == 'copy_':
        _note_copy(args[0].device, args[1], dict(non_blocking=any(args[2:3]), **kwargs))
        ours = isinstance(args[0], OnGPU)
    elif ours and (name in ANSWERS or _has_unready_index(name, args)):
        PlayedGPU.note(name)
    elif ours:
        hosts = [x for x in flat if isinstance(x, torch.Tensor) and x.dim()]
        if not all(isinstance(x, OnGPU) for x in hosts) and 'index' not in name:
            raise RuntimeError(f'{name}: tensors on two devices')
    elif target == GPU:
        ours = True
    if ours and PlayedGPU.now is not None and PlayedGPU.now.noting:
        PlayedGPU.now.work.append(name)
    if target is not None:
        kwargs = dict(kwargs, device=HOST)
    result = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    if name.endswith('_') and not name.startswith('_foreach'):
        return args[0]
    if 'out' in kwargs:
        return kwargs['out']
    return tree_map(_on_gpu, result) if ours else result


def _note_copy(to: torch.device, source: torch.Tensor, kwargs: dict) -> None:
    if to != source.device and not kwargs.get('non_blocking'):
        PlayedGPU.note('copy to the GPU' if to == GPU else 'copy to the host')


def _has_unready_index(name: str, args: tuple) -> bool:
    """Of the host, so that it is copied; or a mask, which has to be counted."""
    if name not in ('index', 'index_put', 'index_put_'):
        return False
    return any(
        x is not None and (x.dtype == torch.bool or not isinstance(x, OnGPU))
        for x in args[1]
    )


def _inner(x: Any) -> Any:
    return x.inner if isinstance(x, OnGPU) else x


def _on_gpu(x: Any) -> Any:
    return OnGPU(x) if type(x) is torch.Tensor else x
