"""Pickles of data alone: whatever else is named in one is not loaded.

To unpickle a file is to run what it names. What :func:`load_plain` reads may
name arrays of numpy, tensors of torch and Python's own containers; anything
else is refused by its name before it is looked up.
"""

import io
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import IO, Any, Callable, Optional

import numpy as np
import torch

from ..text_files import cut

# Modules had these names in Python 2, which protocols 0 to 2 still write.
_OLD_MODULES = {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}
_CONTAINERS = dict(
    bytearray=bytearray,
    complex=complex,
    dict=dict,
    frozenset=frozenset,
    list=list,
    set=set,
    slice=slice,
    tuple=tuple,
)
# numpy 2 has moved them from the first package to the second.
_NUMPY_PACKAGES = ('numpy.core', 'numpy._core')
_NUMPY_FUNCTIONS = {
    'multiarray': ('_reconstruct', 'scalar'),
    'numeric': ('_frombuffer',),
}
_TORCH_FUNCTIONS = ('_rebuild_parameter', '_rebuild_tensor_v2')


class ForbiddenError(pickle.UnpicklingError):
    """A pickle names what is no data."""


class PlainUnpickler(pickle.Unpickler):
    """An unpickler of arrays, tensors, containers, texts and numbers.

    Raises:
        ForbiddenError: if the pickle names anything else; tells the name.
    """

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for, if it may be loaded."""
        module = _OLD_MODULES.get(module, module)
        value = _plain(module, name)
        if value is None:
            raise ForbiddenError(f'{module}.{name}')
        return value


def load_plain(file: IO[bytes], path: str) -> Any:
    """Read a pickle of data alone.

    Args:
        file (IO): The open file.
        path (str): Its name, for messages.

    Raises:
        ValueError: if it names anything else, or is no pickle; tells the file
            and the name.
    """
    try:
        return PlainUnpickler(file).load()
    except ForbiddenError as error:
        raise ValueError(
            f"'{path}' holds {cut(str(error))}, which is no data: a pickle runs what "
            'it names, so only arrays, tensors, numbers, texts, lists and dicts are '
            'loaded, and nothing of this file was'
        ) from None
    except Exception as error:  # a broken pickle may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"'{path}' is not a pickle file: {reason}") from error


def _plain(module: str, name: str) -> Optional[Any]:
    """A class that is data, or a function that makes some; None of others.

    Functions are given in a wrapping of their own, as a pickle may set
    attributes of what it is given.
    """
    if module == 'builtins':
        return _CONTAINERS.get(name)
    if (module, name) == ('collections', 'OrderedDict'):
        return OrderedDict
    if (module, name) == ('_codecs', 'encode'):
        return _wrapped(_encode)
    if module.startswith('numpy'):
        return _of_numpy(module, name)
    if module.startswith('torch'):
        return _of_torch(module, name)
    return None


def _of_numpy(module: str, name: str) -> Optional[Any]:
    if module == 'numpy':
        return dict(ndarray=np.ndarray, dtype=np.dtype).get(name)
    if module == 'numpy.dtypes':  # Float32DType ...
        kind = getattr(getattr(np, 'dtypes', None), name, None)
        is_kind = isinstance(kind, type) and issubclass(kind, np.dtype)
        return kind if is_kind else None
    package, _, part = module.rpartition('.')
    if package in _NUMPY_PACKAGES and name in _NUMPY_FUNCTIONS.get(part, ()):
        here = _NUMPY_PACKAGES[not np.__version__.startswith('1.')]
        return _wrapped(getattr(import_module(f'{here}.{part}'), name))
    return None


def _of_torch(module: str, name: str) -> Optional[Any]:
    if module == 'torch':
        value = getattr(torch, name, None)
        is_value = isinstance(value, torch.dtype) or name in ('Size', 'device')
        return value if is_value else None
    if module == 'torch._utils' and name in _TORCH_FUNCTIONS:
        return _wrapped(getattr(torch._utils, name))
    if (module, name) == ('torch.storage', '_load_from_bytes'):
        return _wrapped(_load_storage)  # torch's own unpickles anything
    return None


def _wrapped(function: Callable) -> Callable:
    return lambda *args: function(*args)


def _load_storage(content: bytes) -> Any:
    """The numbers of a tensor, which lie as a torch file in a pickle."""
    return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)


def _encode(text: str, encoding: str) -> bytes:
    """How protocols 0 to 2 write bytes."""
    if encoding not in ('latin1', 'latin-1'):
        raise ForbiddenError(f'_codecs.encode with {encoding!r}')
    return text.encode(encoding)


def foreign_names(content: bytes) -> list[str]:
    """What pickles name and is no data, as ``module.name``, each once.

    Nothing of them is loaded; of a torn one it is what comes before the tear.

    Args:
        content (bytes): One or, as in torch's older files, several.
    """
    names: dict[str, None] = {}
    file = io.BytesIO(content)
    with suppress(Exception):  # a broken pickle may raise anything
        for module, name in (pair for _ in range(5) for pair in _names_in(file)):
            module = _OLD_MODULES.get(module, module)
            if _plain(module, name) is None:
                names[f'{module}.{name}'] = None
    return list(names)


def _names_in(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Module and name of all that the next pickle of a file names."""
    texts: list[Optional[str]] = []
    memo: dict[int, Optional[str]] = {}
    for operation, argument, _ in pickletools.genops(file):
        kind = operation.name
        if kind in ('GLOBAL', 'INST'):
            module, _, name = str(argument).partition(' ')
            yield module, name
        elif kind == 'STACK_GLOBAL':
            yield str(texts[-2]), str(texts[-1])
        elif kind == 'MEMOIZE' or 'PUT' in kind:
            memo[len(memo) if kind == 'MEMOIZE' else int(str(argument))] = texts[-1]
        else:
            text = argument if isinstance(argument, str) else None
            texts.append(memo.get(int(str(argument))) if 'GET' in kind else text)
            del texts[:-2]
