"""The video branch for other runtimes: as ONNX, or a torch.export program."""

import importlib.util
import io
import json
import os
import os.path as osp
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Callable, Optional

import numpy as np
import torch
from mmaction.models import BaseRecognizer, Recognizer2D

from ..compat import torch_version
from ..datasets.pipeline_access import video_pipeline
from ..files import flush, writing
from ..models.clip.pipeline_fit import refuse_misfits
from ..models.video_branch import OUTPUTS, VideoBranch, head_of
from ..version import __version__
from .inference.sources import Source, SourceReader

FORMATS = ('.onnx', '.pt2')
# Cosines may differ by so much; the others are softmaxes of cosines that
# temperature and logit scale have multiplied by 100.
TOLERANCES = dict(scores=1e-4, confidences=1e-3, saliency=1e-3)
MIN_TORCH = (2, 6)  # ONNX from a torch.export program with any batch size
PACKAGES = ('onnx', 'onnxruntime', 'onnxscript')  # of the extra `export`

Runner = Callable[[np.ndarray], dict[str, np.ndarray]]


def video_branch(
    recognizer: BaseRecognizer, pipeline: Optional[Sequence[dict]] = None
) -> tuple[VideoBranch, dict[str, str]]:
    """What is exported of a recognizer.

    Args:
        recognizer (BaseRecognizer): With a :class:`.VCSHead`.
        pipeline (Sequence[dict], optional): That of its test, on video
            files, from which the shape of the frames is known. Defaults to
            None: that of ``recognizer.cfg``, see :func:`build_recognizer`.

    Returns:
        tuple[VideoBranch, dict[str, str]]: The model, and what its user must
        know: ``input`` and ``outputs`` in words; ``class_names``, ``prompt``
        and ``pipeline`` as JSON; ``bike_mmaction``, the version.

    Raises:
        ValueError: if it has no such head, the pipeline reads no video
            files, or not the images of the weights: :func:`.refuse_misfits`.
    """
    if pipeline is None:
        pipeline = video_pipeline(recognizer.cfg)
    refuse_misfits(getattr(recognizer, 'cfg', {}).get('model'), pipeline)
    branch = VideoBranch(recognizer, _frames_shape(recognizer, pipeline))
    sizes, head = ', '.join(map(str, branch.shape)), branch.head
    sums = 'sum to 1' if branch.bias is None else 'each class by itself'
    steps = [t for t in pipeline if t['type'] != 'LoadAttributes']
    return branch, dict(
        bike_mmaction=__version__,
        class_names=json.dumps(head.class_names, ensure_ascii=False),
        prompt=json.dumps(head.prompt, ensure_ascii=False),
        input=f'frames [B, {sizes}] (channels, frames, height, width): '
        f'{branch.colors} from 0 to 255, float32',
        outputs=f'scores [B, K]: cosines; confidences [B, K]: {sums}; '
        'saliency [B, K, T]: share of each frame',
        pipeline=json.dumps(steps, default=str),
    )


def _frames_shape(
    recognizer: BaseRecognizer, pipeline: Sequence[dict]
) -> tuple[int, ...]:
    """3, T, H, W: what the pipeline makes of a black video."""
    black = np.zeros((64, 256, 340, 3), dtype=np.uint8)
    inputs = SourceReader(pipeline)(Source('array', black))['inputs']
    if not isinstance(recognizer, Recognizer2D):
        return tuple(inputs.shape[1:])  # of [V, 3, T, H, W]
    images, channels, height, width = inputs.shape
    return channels, head_of(recognizer).num_segments or images, height, width


def export_onnx(
    recognizer: BaseRecognizer,
    path: str,
    pipeline: Optional[Sequence[dict]] = None,
    opset: Optional[int] = None,
    batch: Optional[int] = None,
    check: bool = True,
) -> dict[str, float]:
    """Write ONNX; :func:`video_branch` tells its ``metadata_props``.

    Weights of more than 1.5 GB lie beside it, in ``{path}.data``.

    Args:
        recognizer (BaseRecognizer): See :func:`video_branch`.
        path (str): An ``.onnx`` file; its folder is made if it is absent.
        pipeline (Sequence[dict], optional): See :func:`video_branch`.
        opset (int, optional): Defaults to None: that which torch prefers.
        batch (int, optional): Clips at once, for runtimes that want it
            fixed. Defaults to None: any number.
        check (bool): Whether to run :func:`compare` with ONNX Runtime; a
            file that does not pass is not written. Defaults to True.

    Returns:
        dict[str, float]: The figures of :func:`compare`, if asked for.

    Raises:
        ImportError: if a package is missing.
        OSError: if the file cannot be written.
        RuntimeError: if torch is too old, or cannot export this model; or
            as :func:`compare`.
        ValueError: if ``path`` has another suffix; or as
            :func:`video_branch`.
    """
    with checked_target(path, '.onnx') as draft:
        branch, metadata = video_branch(recognizer, pipeline)
        try:
            program = torch.onnx.export(
                _trace(branch, batch),
                input_names=['frames'],
                output_names=OUTPUTS,
                opset_version=opset,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise RuntimeError(_failed('torch.onnx', error)) from error
        assert program is not None
        written = program.model.opset_imports['']
        if opset not in (None, written):  # torch only logs it
            raise RuntimeError(
                'this model cannot be written with opset '
                f'{opset}; torch made it {written}'
            )
        program.model.metadata_props.update(metadata)
        program.save(draft)
        return compare(branch, read_onnx(draft), batch) if check else {}


def export_program(
    recognizer: BaseRecognizer,
    path: str,
    pipeline: Optional[Sequence[dict]] = None,
    batch: Optional[int] = None,
    check: bool = True,
) -> dict[str, float]:
    """Write a torch.export program; ``metadata.json`` is a file in it.

    Args:
        recognizer (BaseRecognizer): See :func:`video_branch`. The program
            will run where it is now, on a CPU or on a GPU.
        path (str): A ``.pt2`` file.
        pipeline (Sequence[dict], optional): See :func:`video_branch`.
        batch (int, optional): As in :func:`export_onnx`.
        check (bool): As in :func:`export_onnx`.

    Returns:
        dict[str, float]: As :func:`export_onnx`.

    Raises:
        OSError, RuntimeError, ValueError: as :func:`export_onnx`.
    """
    with checked_target(path, '.pt2') as draft:
        branch, metadata = video_branch(recognizer, pipeline)
        content = io.BytesIO()  # torch aborts the process where a disk is full
        torch.export.save(
            _trace(branch, batch),
            content,
            extra_files={'metadata.json': json.dumps(metadata, ensure_ascii=False)},
        )
        with open(draft, 'wb') as file:
            file.write(content.getbuffer())
        del content
        return compare(branch, read_program(draft), batch) if check else {}


def check_target(path: str) -> str:
    """Whether a file can be written, as far as is known before the export.

    Returns:
        str: Its suffix.

    Raises:
        ImportError, RuntimeError, ValueError: as :func:`export_onnx`.
    """
    suffix = osp.splitext(path)[1]
    if suffix not in FORMATS:
        raise ValueError(f"'{path}' must end with {' or '.join(FORMATS)}")
    if torch_version() < MIN_TORCH:
        raise RuntimeError(
            'export needs torch>={}.{}, but torch {} is installed'.format(
                *MIN_TORCH, torch.__version__
            )
        )
    missing = [p for p in PACKAGES if importlib.util.find_spec(p) is None]
    if suffix == '.onnx' and missing:
        raise ImportError(
            f'ONNX needs {", ".join(missing)}. Run: pip install "bike_mmaction[export]"'
        )
    return suffix


@contextmanager
def checked_target(path: str, suffix: str) -> Iterator[str]:
    """A file beside ``path``; what lies beside that in the end is moved to it."""
    if check_target(path) != suffix:
        raise ValueError(f"'{path}' must end with {suffix}")
    folder, name = osp.split(osp.abspath(path))
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as draft, writing(path, draft):
        yield osp.join(draft, name)
        files = os.listdir(draft)  # weights may have their own
        for file in files:
            flush(osp.join(draft, file))
        for file in files:
            os.replace(osp.join(draft, file), osp.join(folder, file))
        weights = f'{path}.data'
        if osp.basename(weights) not in files and osp.isfile(weights):
            os.remove(weights)  # of the model that was replaced


def _trace(branch: VideoBranch, batch: Optional[int]):
    if batch is not None and batch < 1:
        raise ValueError(f'batch={batch} must be positive')
    # Not traced with one clip, which torch takes for a constant.
    frames = branch.random_frames(batch or 2)
    shapes = None if batch else dict(frames={0: torch.export.Dim('batch')})
    try:
        with torch.no_grad():
            return torch.export.export(
                branch, (frames,), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:
        raise RuntimeError(_failed('torch.export', error)) from error


def _failed(exporter: str, error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        f'{exporter} {torch.__version__} cannot export this model; a '
        'fixed batch size may help: '
        f'{(lines or [type(error).__name__])[0]}'
    )


def read_onnx(path: str) -> Runner:
    """Run an exported file with ONNX Runtime, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda frames: dict(zip(OUTPUTS, session.run(OUTPUTS, dict(frames=frames))))


def read_program(path: str) -> Runner:
    """Run an exported program with torch, where it was made."""
    module = torch.export.load(path).module()
    device = next(module.parameters()).device

    @torch.no_grad()
    def run(frames: np.ndarray) -> dict[str, np.ndarray]:
        outputs = module(torch.from_numpy(frames).to(device))
        return {name: value.cpu().numpy() for name, value in outputs.items()}

    return run


def compare(
    branch: VideoBranch, run: Runner, batch: Optional[int] = None
) -> dict[str, float]:
    """Compare an exported file with the recognizer, on random frames.

    Args:
        branch (VideoBranch): What was exported.
        run (callable): Takes frames [B, 3, T, H, W] and returns the outputs.
        batch (int, optional): If it is fixed. Defaults to None: 1 and 3.

    Returns:
        dict[str, float]: The largest absolute difference of each output.

    Raises:
        RuntimeError: if one is above ``TOLERANCES``; names it.
    """
    worst = dict.fromkeys(OUTPUTS, 0.0)
    for size in (batch,) if batch else (1, 3):
        frames = branch.random_frames(size)
        expected, outputs = branch.recognize(frames), run(frames.cpu().numpy())
        for name in OUTPUTS:
            difference = np.abs(outputs[name] - expected[name].cpu().numpy())
            worst[name] = np.maximum(worst[name], difference.max())
    for name, difference in worst.items():
        if not difference <= TOLERANCES[name]:  # nor NaN
            raise RuntimeError(
                f"the exported model's {name} differ from PyTorch's by "
                f'{difference:.1e}; at most {TOLERANCES[name]:.0e} is allowed'
            )
    return {name: float(value) for name, value in worst.items()}
