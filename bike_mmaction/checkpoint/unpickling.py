"""Reading pickled files without running code from them."""

import re
import zipfile
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Optional

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from ..compat import torch_version
from .plain_pickles import foreign_names

# What only checkpoints hold: it is told from data, and from what is refused.
_OWN = re.compile(
    r'torch\.(\w+Storage|_tensor\.|nn\.|_utils\.)|mmengine\.logging\.'
    r'|builtins\.getattr$'
)
_MOST_READ = 1 << 24  # bytes of a bare pickle, in which names are looked for
_NUMPY_TYPES = 'b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8'.split()


def is_torchscript(path: str) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI's ``.pt`` are."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(n.endswith('constants.pkl') for n in archive.namelist())


def read_pickle(
    path: str,
    map_location=None,
    mmap: bool = False,
    weights_only: Optional[bool] = None,
):
    """``torch.load`` that runs no code from the file (torch >= 2.6).

    Unless the user allows that, by ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``.

    Args:
        path (str): The file.
        map_location: As in ``torch.load``.
        mmap (bool): As in ``torch.load``: leave tensors on the disk until
            they are used. Defaults to False.
        weights_only (bool, optional): As in ``torch.load``. True: whatever
            torch and the user have set. Defaults to None: torch's default.

    Raises:
        RuntimeError: if the file cannot be read; names it and the reason.
    """
    try:
        with allow_own_types():
            options = {} if weights_only is None else dict(weights_only=weights_only)
            return torch.load(path, map_location=map_location, mmap=mmap, **options)
    except Exception as error:
        raise RuntimeError(
            f"cannot read checkpoint '{path}': {_reason(error, path)}"
        ) from error


def _reason(error: Exception, path: str) -> str:
    """Why ``torch.load`` failed, in one line.

    Not in its own words where it advises to load without restriction.
    """
    if isinstance(error, OSError):
        return str(error)
    foreign = foreign_types(path) or re.findall(r'GLOBAL (\S+)', str(error))
    if foreign:
        listed = ', '.join(foreign[:3]) + ', ...' * (len(foreign) > 3)
        return (
            f'it holds {listed}, and loading it would run that: nothing of it was '
            'loaded, only tensors and what MMEngine saves are. If you trust the '
            'file, allow it with torch.serialization.add_safe_globals'
        )
    damage = re.search(r'WeightsUnpickler error:\s*(.+)', str(error))
    detail = damage[1] if damage else re.split(r'\n|\. ', str(error).strip())[0]
    if not damage and (len(detail) < 8 or 'weights_only' in detail):
        detail = type(error).__name__
    return f'it is damaged, or no checkpoint ({detail})'


def foreign_types(path: str) -> list[str]:
    """What a pickled file names but data and what MMEngine saves.

    Args:
        path (str): What ``torch.save`` writes, or a bare pickle.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inner = [n for n in archive.namelist() if n.endswith('/data.pkl')]
            content = archive.read(inner[0]) if inner else b''
    else:
        with open(path, 'rb') as file:
            content = file.read(_MOST_READ)
    return [name for name in foreign_names(content) if not _OWN.match(name)]


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
        owner_name = getattr(owner, '__qualname__', owner)
        raise ValueError(f'GLOBAL {owner_name}.{name} may not be loaded')  # as torch
    return getattr(owner, name)
