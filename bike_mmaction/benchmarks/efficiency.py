"""What the options that make an image tower cheaper save, as ratios."""

import copy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Optional

import torch
from mmaction.models import BaseRecognizer
from mmengine.config import Config

from ..apis import export
from ..apis.building import quiet_logger
from ..apis.int8 import export_int8
from ..terminal import printable
from .counting import peak_memory, used_memory
from .measuring import Report, Spread, by_turns
from .models import Subject

Part = Callable[[], Any]
LOW = dict(frozen=True, dtype='bfloat16')
KEPT = 'kept embeddings'  # of frames, which are read in place of videos
SHARE = 0.5  # of the patches that training leaves out


def options_of_test(merged: Sequence[int], compiled: bool) -> dict[str, dict]:
    """Options of the image tower by name: the plain one, each, and all together.

    Args:
        merged (Sequence[int]): Values of ``token_merging``.
        compiled (bool): Whether to compile.
    """
    options: dict[str, dict] = dict(plain={})
    options.update({f'token_merging={n}': dict(token_merging=n) for n in merged})
    options["dtype='bfloat16'"] = dict(LOW)
    if compiled:
        options['compile'] = dict(compile=True)
        most = dict(LOW, compile=True, token_merging=merged[-1])
        options[f"token_merging={merged[-1]}, dtype='bfloat16', compile"] = most
    return options


def options_of_training(compiled: bool) -> dict[str, dict]:
    """As :func:`options_of_test`; the frozen ones train what is behind the tower."""
    share = dict(patch_dropout=SHARE)
    options: dict[str, dict] = {'plain': {}, f'patch_dropout={SHARE}': share}
    if compiled:
        options['compile'] = dict(compile=True)
        options[f'patch_dropout={SHARE}, compile'] = dict(share, compile=True)
    options['frozen'] = dict(frozen=True)
    options["frozen, dtype='bfloat16'"] = dict(LOW)
    options[f'frozen, {KEPT}'] = {'frozen': True, KEPT: True}
    return options


def benchmark_efficiency(
    config: Config,
    report: Report,
    repeats: int,
    videos: int = 8,
    precision: str = 'bf16',
    device: Optional[str] = None,
    merged: Sequence[int] = (8, 16),
    compiled: bool = True,
    parts: Sequence[str] = ('test', 'train', 'onnx'),
) -> None:
    """Test and training with each option against those without.

    Args:
        config (Config): Of a recognizer with CLIP's image tower.
        report (Report): Takes the figures.
        repeats (int): Rounds.
        videos (int): In a batch. Defaults to 8.
        precision (str): 'fp32', 'bf16' or 'fp16'. Defaults to 'bf16'.
        device (str, optional): Defaults to None: a GPU if there is one.
        merged (Sequence[int]): Values of ``token_merging``. Defaults to 8 and 16.
        compiled (bool): Whether to compile, too. Defaults to True.
        parts (Sequence[str]): What to measure; 'onnx' is ONNX Runtime on the CPU,
            of one clip. Defaults to all.
    """

    def subject(options: dict, preprocessor: Optional[str] = None) -> Subject:
        changed = copy.deepcopy(config)
        changed.model.backbone.update(options)
        if preprocessor:
            changed.model.data_preprocessor.type = preprocessor
        return Subject(changed, videos, precision=precision, device=device)

    def test(options: dict) -> Part:
        return subject(options).predict

    def step(options: dict) -> Part:
        kept = options.pop(KEPT, False)
        one = subject(options, 'OptionalVideoDataPreprocessor' if kept else None)
        if kept:
            size = 1, one.clip_len, one.model.backbone.embed_dims  # [V, T, D]
            one.data['inputs'] = [torch.randn(size) for _ in range(videos)]
        return one.make_step()

    tests, training = options_of_test(merged, compiled), options_of_training(compiled)
    for what, make, table in (('test', test, tests), ('train', step, training)):
        if what in parts:
            makers = {name: partial(make, options) for name, options in table.items()}
            compare(what, makers, report, repeats)
    if 'onnx' in parts:
        _compare_onnx(config, report, repeats)


def compare(
    what: str, makers: Mapping[str, Callable[[], Part]], report: Report, repeats: int
) -> None:
    """Parts by turns; those that cannot be compiled here are left out.

    Args:
        what (str): What all parts do, for the report.
        makers (Mapping[str, Callable]): Make the parts, 'plain' and others.
        report (Report): Takes the figures.
        repeats (int): Rounds.
    """
    parts, memory = {}, {}
    for name, make in makers.items():
        try:
            with quiet_logger():
                parts[name] = make()
            memory[name] = _memory(parts[name])
        except Exception as error:
            if 'compile' not in name:
                raise
            parts.pop(name, None)
            report.add(f'{what}, {name}', does_not_run_here=printable(error, True))
    times = by_turns(parts, repeats, warm_up=1)
    plain = times['plain']
    for name, spent in times.items():
        figures: dict[str, Any] = dict(
            a_batch=Spread.of(1000 * spent.clock, 'ms'),
            ratio_to_plain=Spread.of(spent.clock / plain.clock),
            of_processor_time=Spread.of(spent.processor / plain.processor),
        )
        if memory[name] is not None:
            figures['memory_GiB_beside_weights'] = memory[name]
        report.add(f'{what}, {name}', **figures)


def _memory(part: Part) -> Optional[float]:
    """The first time it runs, and what it takes of a GPU the second time."""
    part()
    return peak_memory(part, used_memory()) if torch.cuda.is_available() else None


def _compare_onnx(config: Config, report: Report, repeats: int) -> None:
    """The same model in float32 and with weights of 8 bits, by ONNX Runtime."""
    import onnxruntime

    recognizer: BaseRecognizer = Subject(config, 1, device='cpu').model
    recognizer.cfg = config
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        paths = dict(plain=f'{folder}/float32.onnx', int8=f'{folder}/int8.onnx')
        export.export_onnx(recognizer, paths['plain'], check=False)
        agreement = export_int8(recognizer, paths['int8'])
        sessions = {
            name: onnxruntime.InferenceSession(
                path, options, providers=['CPUExecutionProvider']
            )
            for name, path in paths.items()
        }
        frames = export.video_branch(recognizer)[0].random_frames(1).cpu().numpy()
        makers = {
            name: partial(partial, session.run, None, dict(frames=frames))
            for name, session in sessions.items()
        }
        compare('ONNX Runtime, one clip', makers, report, repeats)
        report.add('int8, random weights', **agreement._asdict())
