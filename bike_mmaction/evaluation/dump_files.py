"""Dumps of scores as files: a dict a video, written and read without risk.

``.pkl`` is what MMAction2's tools write, a list of dicts as a pickle. Of a
pickle only data are loaded, see :mod:`bike_mmaction.checkpoint.plain_pickles`.
``.npz`` holds plain arrays: ``numpy.load(path)['pred_score']`` is [N, K].
"""

import json
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, Callable, NamedTuple, Optional

import mmengine
import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import DumpResults
from mmengine.fileio import handlers
from mmengine.logging import print_log

from ..checkpoint.plain_pickles import load_plain
from ..compat.registry import replaced_meanwhile
from ..files import replaced, require_file

SUFFIXES = ('.pkl', '.pickle', '.npz')
_HEADER = 'bike_mmaction'  # the array that says what the others are
_MODULES_WITH_LOAD = (mmengine, mmengine.fileio, mmengine.fileio.io)
_ZIP = b'PK\x03\x04'


class Column(NamedTuple):
    """The values that N videos have under a key.

    Attributes:
        kind (str): 'tensor' or 'array', of one shape in all videos; 'vector',
            tensors of any lengths; 'text'; or 'json', anything plain.
        arrays (dict[str, np.ndarray]): By the ends of their names: '' the
            values; '.lengths' those of vectors; '.present' which of the
            videos have the key, where not all do.
    """

    kind: str
    arrays: dict[str, np.ndarray]


def write_dump(path: str, samples: Sequence[dict]) -> None:
    """Write a dump in one step; the suffix tells the format.

    Raises:
        OSError: if it cannot be written.
        ValueError: if a value is no data, for ``.npz``; names the key.
    """
    with replaced(path) as draft:
        if not path.endswith('.npz'):
            mmengine.dump(samples, draft, file_format='pkl')
            return
        columns = {key: _column(key, samples) for key in _keys(samples)}
        header = dict(
            videos=len(samples),
            kinds={key: column.kind for key, column in columns.items()},
        )
        arrays = {_HEADER: np.array(json.dumps(header))}
        for key, column in columns.items():
            arrays.update({key + end: array for end, array in column.arrays.items()})
        _write_arrays(draft, arrays)


def load_dump(path: str) -> Any:
    """What a dump holds, whatever its suffix; no code of it is run.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no dump, or holds what is no data; names it.
    """
    require_file(path, 'the dump')
    with open(path, 'rb') as file:
        return _read(file, path)


def dumps_are_data() -> AbstractContextManager:
    """While this is entered, ``mmengine.load`` runs no code of a pickle.

    It also reads ``.npz``, so that MMAction2's tools do.
    """
    return replaced_meanwhile(_MODULES_WITH_LOAD, 'load', _loading_data)


def _loading_data(original: Callable) -> Callable:
    def load(file, *args, **kwargs):
        known = handlers.file_handlers
        before = dict(known)
        known.update(dict.fromkeys(('pkl', 'pickle', 'npz'), _DumpHandler(str(file))))
        try:
            return original(file, *args, **kwargs)
        finally:
            known.clear()
            known.update(before)

    return load


class _DumpHandler(handlers.PickleHandler):
    """Reads dumps for ``mmengine.load``, which gives it no name of the file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def load_from_fileobj(self, file: IO[bytes], **kwargs) -> Any:
        """The content of an open file."""
        return _read(file, self.path)


@METRICS.register_module()
class DumpScores(DumpResults):
    """MMEngine's ``DumpResults``, written in one step, also as ``.npz``.

    Args:
        out_file_path (str): Ends with '.pkl', '.pickle' or '.npz'.
        **kwargs: As ``DumpResults``.
    """

    def __init__(self, out_file_path: str, **kwargs) -> None:
        if not out_file_path.endswith(SUFFIXES):
            raise ValueError(
                f"'{out_file_path}' must end with one of {', '.join(SUFFIXES)}"
            )
        super().__init__('any.pkl', **kwargs)
        self.out_file_path = out_file_path

    def compute_metrics(self, results: list) -> dict:
        """Write all predictions."""
        write_dump(self.out_file_path, results)
        print_log(f'Scores are written to {self.out_file_path}', 'current')
        return {}


def _keys(samples: Sequence[dict]) -> list[str]:
    """All keys, in the order in which they occur."""
    return list(dict.fromkeys(key for sample in samples for key in sample))


def _column(key: str, samples: Sequence[dict]) -> Column:
    values = [sample[key] for sample in samples if key in sample]
    arrays: dict[str, np.ndarray] = {}
    if len(values) < len(samples):
        arrays['.present'] = np.array([key in sample for sample in samples])
    kind = 'tensor' if all(map(torch.is_tensor, values)) else 'array'
    if kind == 'tensor':
        values = list(map(_numpy, values))
    if all(isinstance(v, np.ndarray) and v.dtype.kind in 'biuf' for v in values):
        if len({(v.shape, v.dtype) for v in values}) == 1:
            return Column(kind, {'': np.stack(values), **arrays})
        if kind == 'tensor' and all(v.ndim == 1 for v in values):
            arrays['.lengths'] = np.array([len(v) for v in values])
            return Column('vector', {'': np.concatenate(values), **arrays})
    if all(isinstance(v, str) for v in values):
        return Column('text', {'': np.array(values), **arrays})
    try:
        texts = [json.dumps(v, default=_plain) for v in values]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"'{key}' cannot be written as plain arrays ({error}); a .pkl takes it"
        ) from None
    return Column('json', {'': np.array(texts), **arrays})


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    if tensor.dtype == torch.bfloat16:  # unknown to numpy
        tensor = tensor.float()
    return tensor.detach().cpu().numpy()


def _plain(value: Any) -> Any:
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f'it holds a {type(value).__name__}')


def _write_arrays(path: str, arrays: dict[str, np.ndarray]) -> None:
    """As ``numpy.savez_compressed``, for keys of any name."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _read(file: IO[bytes], path: str) -> Any:
    begin = file.read(len(_ZIP))
    file.seek(0)
    return _read_npz(file, path) if begin == _ZIP else load_plain(file, path)


def _read_npz(file: IO[bytes], path: str) -> list[dict]:
    try:
        with np.load(file, allow_pickle=False) as content:
            header = json.loads(str(content[_HEADER]))
            samples: list[dict] = [{} for _ in range(int(header['videos']))]
            for key, kind in header['kinds'].items():
                rows = _rows(kind, content[key], _get(content, f'{key}.lengths'))
                present = _get(content, f'{key}.present')
                having = [
                    s for i, s in enumerate(samples) if present is None or present[i]
                ]
                if len(having) != len(rows):
                    raise ValueError(f"'{key}' has {len(rows)} values")
                for sample, row in zip(having, rows):
                    sample[key] = row
            return samples
    except Exception as error:  # a broken archive may raise anything
        raise ValueError(
            f"'{path}' is not a dump of scores as .npz: {type(error).__name__}: {error}"
        ) from error


def _get(content: Any, name: str) -> Optional[np.ndarray]:
    return content.get(name)


def _rows(kind: str, values: np.ndarray, lengths: Optional[np.ndarray]) -> Sequence:
    """The values of a :class:`Column`, one for each video that has any."""
    if kind == 'tensor':
        return list(torch.from_numpy(values))
    if kind == 'vector':
        return torch.from_numpy(values).split(
            [] if lengths is None else lengths.tolist()
        )
    if kind == 'array':
        return list(values)
    texts: list[str] = values.tolist()
    return texts if kind == 'text' else [json.loads(text) for text in texts]
