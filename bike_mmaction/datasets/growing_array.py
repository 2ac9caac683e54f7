"""An array on disk to which rows are added, and which numpy reads at any time."""

import os
import struct
from typing import IO, Any

import numpy as np

from ..files import writing

_HEADER = 128  # bytes; numpy lets it be any number, and this is enough


class GrowingArray:
    """A .npy file of rows that become more.

    What was added is behind :meth:`flush`, even of a power cut; what a kill
    tears is cut off by :meth:`cut`.

    Args:
        path (str): The file. One that is there goes on.
        dtype (str): Such as 'float32'.
        width (int, optional): Values of a row. Defaults to None: each row is
            one number.

    Attributes:
        rows (int): How many there are.

    Raises:
        ValueError: if the file is of another type or width.
    """

    def __init__(self, path: str, dtype: str, width: Any = None) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._tail = () if width is None else (int(width),)
        self._bytes = self.dtype.itemsize * int(np.prod(self._tail))
        if not os.path.exists(path) or os.path.getsize(path) < _HEADER:
            with writing(path), open(path, 'wb') as file:
                file.write(self._header(0))
        self._file: IO[bytes] = open(path, 'rb+')
        version = np.lib.format.read_magic(self._file)
        assert version == (1, 0)
        shape, _, kind = np.lib.format.read_array_header_1_0(self._file)
        if kind != self.dtype or shape[1:] != self._tail:
            raise ValueError(
                f"'{path}' has rows of {shape[1:]} {kind}, expected "
                f'{self._tail} {self.dtype}'
            )
        self.rows = int(shape[0])

    def _header(self, rows: int) -> bytes:
        """That of numpy's format, version 1.0, of a constant length."""
        text = repr(
            dict(
                descr=np.lib.format.dtype_to_descr(self.dtype),
                fortran_order=False,
                shape=(rows, *self._tail),
            )
        )
        begin = b'\x93NUMPY\x01\x00' + struct.pack('<H', _HEADER - 10)
        return begin + text.ljust(_HEADER - 11).encode() + b'\n'

    def append(self, values: np.ndarray) -> None:
        """Add rows [n, width], or numbers [n]; they count after a flush."""
        values = np.ascontiguousarray(values, self.dtype)
        if values.shape[1:] != self._tail:
            raise ValueError(f'{values.shape} are no rows of {self._tail}')
        with writing(self.path):
            self._file.seek(_HEADER + self.rows * self._bytes)
            self._file.write(values.tobytes())
        self.rows += len(values)

    def flush(self) -> None:
        """Bring all to the disk, the number of rows last."""
        with writing(self.path):
            self._sync()
            self._file.seek(0)
            self._file.write(self._header(self.rows))
            self._sync()

    def cut(self, rows: int) -> None:
        """Keep the first rows only."""
        self.rows = rows
        self.flush()
        self._file.truncate(_HEADER + rows * self._bytes)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
