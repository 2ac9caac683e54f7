"""Reading pickled files without running code from them."""

import re
import zipfile
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from ..compat import torch_version

_NUMPY_TYPES = 'b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8'.split()


def is_torchscript(path: str) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI's ``.pt`` are."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(n.endswith('constants.pkl') for n in archive.namelist())


def read_pickle(path: str, map_location=None):
    """``torch.load`` that runs no code from the file (torch >= 2.6).

    Unless the user allows that, by ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``.

    Args:
        path (str): The file.
        map_location: As in ``torch.load``.

    Raises:
        RuntimeError: if the file cannot be read; names it and the reason.
    """
    try:
        with allow_own_types():
            return torch.load(path, map_location=map_location)
    except Exception as error:
        raise RuntimeError(
            f"cannot read checkpoint '{path}': {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    """Why ``torch.load`` failed, in one line."""
    foreign = re.search(r'Unsupported global: GLOBAL (\S+)', str(error))
    if foreign:
        return (
            f'it holds a {foreign[1]}, and only tensors and what '
            'mmengine saves are loaded; if you trust the file, '
            'allow it with torch.serialization.add_safe_globals'
        )
    # Around this, torch advises to load without restriction.
    damaged = re.search(r'WeightsUnpickler error:\s*(.+)', str(error))
    if damaged:
        return f'it is damaged, or no checkpoint ({damaged[1]})'
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def allow_own_types() -> AbstractContextManager:
    """While this is entered, ``torch.load`` reads what MMEngine saves."""
    if torch_version() < (2, 6):  # they are not restricted
        return nullcontext()
    return torch.serialization.safe_globals(history_buffer_globals())


def history_buffer_globals() -> list:
    """The types in MMEngine's checkpoints, for torch's restricted unpickler.

    Returns:
        list: Arguments of ``torch.serialization.safe_globals``.
    """
    package = 'core' if np.__version__ < '2' else '_core'
    multiarray = import_module(f'numpy.{package}.multiarray')
    named = [
        (getattr(multiarray, name), f'numpy.{package}.multiarray.{name}')
        for name in ('_reconstruct', 'scalar')
        for package in ('core', '_core')
    ]
    return [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        *(type(np.dtype(name)) for name in _NUMPY_TYPES),
        *named,
        (_get_statistic, 'builtins.getattr'),
    ]


def _get_statistic(owner: type, name: str):
    """``getattr`` for what a HistoryBuffer pickles: its own methods."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise ValueError(f'{owner}.{name} may not be loaded')
    return getattr(owner, name)
