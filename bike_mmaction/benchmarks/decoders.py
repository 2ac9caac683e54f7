"""Bare decoders, as a few lines of anyone's use them."""

import importlib
from collections.abc import Callable, Sequence

import av
import numpy as np

Decoder = Callable[[str, Sequence[int]], np.ndarray]


def read_pyav(path: str, indices: Sequence[int]) -> np.ndarray:
    """Frames [N, H, W, 3] by PyAV alone: from the first to the last wanted one."""
    wanted, images = set(indices), {}
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                images[number] = frame.to_ndarray(format='rgb24')
            if len(images) == len(wanted):
                break
    return np.stack([images[index] for index in indices])


def read_decord(path: str, indices: Sequence[int]) -> np.ndarray:
    """Frames [N, H, W, 3] by decord alone, one thread."""
    import decord

    reader = decord.VideoReader(path, num_threads=1)
    return reader.get_batch(list(indices)).asnumpy()


def read_torchcodec(path: str, indices: Sequence[int]) -> np.ndarray:
    """Frames [N, H, W, 3] by torchcodec alone, one thread."""
    from torchcodec.decoders import VideoDecoder

    reader = VideoDecoder(path, dimension_order='NHWC', num_ffmpeg_threads=1)
    return reader.get_frames_at(list(indices)).data.numpy()


DECODERS: dict[str, Decoder] = dict(
    decord=read_decord, pyav=read_pyav, torchcodec=read_torchcodec
)


def installed_decoders() -> tuple[dict[str, Decoder], list[str]]:
    """Those that can be imported here, and the names of the others."""
    usable, missing = {}, []
    for name, read in DECODERS.items():
        try:
            importlib.import_module('av' if name == 'pyav' else name)
            usable[name] = read
        except (ImportError, OSError, RuntimeError):  # torchcodec without FFmpeg
            missing.append(name)
    return usable, missing
