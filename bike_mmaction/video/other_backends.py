"""Other decoders, for the files that they read as a player shows them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from .backend import Backend
from .errors import BackendError
from .files import File
from .pyav_backend import PyAVBackend


class OtherBackend(Backend):
    """Looks at a file with PyAV first, and refuses what it would read wrongly.

    Attributes:
        weaknesses (set[str]): Kinds of files that it reads wrongly; of those
            that :meth:`.PyAVBackend.difficulties` names.
    """

    weaknesses: set[str] = set()

    def __init__(
        self, path: str, file: File, num_threads: int = 1, device: str = 'cpu'
    ) -> None:
        self.path = path
        known = PyAVBackend(path, file)
        try:
            self.times, self.codec, self.damage = known.times, known.codec, known.damage
            self.size, self.rotation = known.size, known.rotation
            difficulties = known.difficulties()
            weak = [
                text for kind, text in difficulties.items() if kind in self.weaknesses
            ]
            if weak:
                self._refuse('; '.join(weak))
        finally:
            known.close()
        self._reader = self._open(file, num_threads, device)
        if len(self._reader) != len(self.times) - 1:
            self._refuse(
                f'it counts {len(self._reader)} frames where a player shows '
                f'{len(self.times) - 1}'
            )

    @abstractmethod
    def _open(self, file: File, num_threads: int, device: str) -> Any:
        """The decoder's own reader, with a length."""

    def _refuse(self, reason: str) -> None:
        raise BackendError(
            self.path,
            f'the video backend {self.name!r} cannot read it exactly ({reason}); '
            "'pyav' can",
        )

    def _check(self, images: np.ndarray) -> np.ndarray:
        expected = (*self.size[::-1], 3)
        if images.shape[1:] != expected:
            self._refuse(f'it makes images {images.shape[1:]} of what is {expected}')
        return images

    def close(self) -> None:
        self._reader = None


class DecordBackend(OtherBackend):
    """Reads with decord 0.6, which MMAction2 uses."""

    name = 'decord'
    weaknesses = {
        'unordered',
        'hidden',
        'open',
        'turned',
        'damaged',
        'packets',
        'refresh',
    }

    def _open(self, file: File, num_threads: int, device: str) -> Any:
        import decord

        if not isinstance(file, str):
            file.seek(0)
        try:
            return decord.VideoReader(file, num_threads=num_threads)
        except Exception as error:  # it has a class of its own for each fault
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BackendError(self.path, f'decord cannot read it ({text})') from error

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        try:
            images = self._reader.get_batch(list(indices)).asnumpy()
        except Exception as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BackendError(self.path, f'decord cannot read it ({text})') from error
        return self._check(images)


class TorchCodecBackend(OtherBackend):
    """Reads with torchcodec, also on a GPU."""

    name = 'torchcodec'
    weaknesses = {'unordered', 'hidden', 'damaged', 'packets', 'refresh'}

    def _open(self, file: File, num_threads: int, device: str) -> Any:
        from torchcodec.decoders import VideoDecoder

        if not isinstance(file, str):
            file.seek(0)
        try:
            return VideoDecoder(
                cast(Any, file),
                dimension_order='NHWC',
                num_ffmpeg_threads=num_threads,
                device=device,
            )
        except (RuntimeError, ValueError) as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BackendError(
                self.path, f'torchcodec cannot read it ({text})'
            ) from error

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        try:
            batch = self._reader.get_frames_at(list(indices)).data
        except (RuntimeError, IndexError) as error:
            text = str(error).strip().splitlines()[0]
            raise BackendError(
                self.path, f'torchcodec cannot read it ({text})'
            ) from error
        return self._check(batch.cpu().numpy())
