"""The video branch as ONNX with weights of 8 bits, for CPUs."""

import logging
import os
import os.path as osp
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Optional

import numpy as np
from mmaction.models import BaseRecognizer

from ..datasets.pipeline_access import video_pipeline
from .export import Runner, checked_target, export_onnx, read_onnx, video_branch
from .inference.sources import SourceReader, close_file, find_sources

# What ONNX Runtime reads in one file; above, weights lie in a file beside it.
LARGEST_FILE = 1.5 * 2**30
RANDOM_CLIPS = 8


class Agreement(NamedTuple):
    """How a file of 8 bits differs from the same in float32, on some clips.

    Attributes:
        clips (int): Number of clips.
        same_class (int): Of these, on how many the first class is the same.
        cosine (float): Largest difference of a class score, which is a cosine.
        mean_cosine (float): Mean absolute difference of class scores.
        confidence (float): Largest difference of a confidence.
        size (float): Of the files, as a share of those in float32.
    """

    clips: int
    same_class: int
    cosine: float
    mean_cosine: float
    confidence: float
    size: float


def export_int8(
    recognizer: BaseRecognizer,
    path: str,
    pipeline: Optional[Sequence[dict]] = None,
    opset: Optional[int] = None,
    batch: Optional[int] = None,
    videos: Sequence[str] = (),
) -> Agreement:
    """Write ONNX whose matrix products have weights of 8 bits.

    By ONNX Runtime's dynamic quantization: weights are rounded to 8 bits for each
    column, what they are multiplied with for each tensor, when it is known.
    Convolutions, attention between tokens, and the comparison with the classes stay
    float32. ``metadata_props`` have ``weights`` beside what :func:`.video_branch`
    tells. Unlike a file in float32, which must give what PyTorch gives, it is kept
    however much it differs: judge by what is returned.

    Args:
        recognizer (BaseRecognizer): See :func:`.export_onnx`, as for the following.
        path (str): An ``.onnx`` file.
        pipeline (Sequence[dict], optional): Of its test.
        opset (int, optional): Defaults to None: that which torch prefers.
        batch (int, optional): Defaults to None: any.
        videos (Sequence[str]): Files or folders to compare on. Defaults to ():
            random clips, on which more may differ, or less.

    Returns:
        Agreement: With the file in float32, which is not kept.

    Raises:
        ImportError, OSError, RuntimeError, ValueError: as :func:`.export_onnx`;
            the file in float32 must pass its check.
        PipelineError: if a video cannot be read.
    """
    with checked_target(path, '.onnx') as draft:
        clips = _clips(recognizer, pipeline, videos)
        with tempfile.TemporaryDirectory(dir=osp.dirname(osp.dirname(draft))) as folder:
            whole = osp.join(folder, 'float32.onnx')
            export_onnx(recognizer, whole, pipeline, opset, batch)
            _quantize(whole, draft)
            size = _size(osp.dirname(draft)) / _size(folder)
            return compare_files(whole, draft, clips, batch)._replace(size=size)


def _clips(
    recognizer: BaseRecognizer,
    pipeline: Optional[Sequence[dict]],
    videos: Sequence[str],
) -> np.ndarray:
    """[N, 3, T, H, W], of all views of videos, or random ones."""
    if pipeline is None:
        pipeline = video_pipeline(recognizer.cfg)
    branch, _ = video_branch(recognizer, pipeline)
    if not videos:
        return branch.random_frames(RANDOM_CLIPS).cpu().numpy()
    reader, clips = SourceReader(pipeline), []
    for source in find_sources(list(videos), **reader.options):
        inputs = reader(source)['inputs']
        close_file(source)
        if inputs.ndim == 4:  # images of a Recognizer2D
            inputs = inputs.unflatten(0, (-1, branch.shape[1])).transpose(1, 2)
        clips.append(inputs.float().numpy())
    return np.concatenate(clips)


def _quantize(whole: str, path: str) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=['MatMul', 'Gemm'],
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=_size(osp.dirname(whole)) > 4 * LARGEST_FILE,
        )
    model = onnx.load(path, load_external_data=False)
    model.metadata_props.add(
        key='weights', value='int8 in matrix products, else float32'
    )
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its advice to optimize first, which is for convolutions."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def compare_files(
    whole: str, quantized: str, clips: np.ndarray, batch: Optional[int] = None
) -> Agreement:
    """Compare two files of the same model, with weights of float32 and of 8 bits.

    Args:
        whole (str): ONNX in float32.
        quantized (str): ONNX of 8 bits.
        clips (np.ndarray): [N, 3, T, H, W], from 0 to 255.
        batch (int, optional): Of both. Defaults to None: any.

    Returns:
        Agreement: Their sizes are those of the two files alone.
    """
    expected, actual = (
        _outputs(read_onnx(path), clips, batch or 1) for path in (whole, quantized)
    )
    cosines = np.abs(actual['scores'] - expected['scores'])
    confidences = np.abs(actual['confidences'] - expected['confidences'])
    same = actual['scores'].argmax(1) == expected['scores'].argmax(1)
    return Agreement(
        clips=len(clips),
        same_class=int(same.sum()),
        cosine=float(cosines.max()),
        mean_cosine=float(cosines.mean()),
        confidence=float(confidences.max()),
        size=osp.getsize(quantized) / osp.getsize(whole),
    )


def _outputs(run: Runner, clips: np.ndarray, batch: int) -> dict[str, np.ndarray]:
    """Of all clips, some of them twice where the last batch is not full."""
    count = len(clips)
    clips = clips[np.arange(-(-count // batch) * batch) % count]
    parts = [run(clips[i : i + batch]) for i in range(0, len(clips), batch)]
    return {name: np.concatenate([p[name] for p in parts])[:count] for name in parts[0]}


def _size(folder: str) -> int:
    return sum(osp.getsize(osp.join(folder, name)) for name in os.listdir(folder))
