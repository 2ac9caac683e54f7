"""What a step of training, or a test, takes against the bare image tower."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, Optional

import open_clip
import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..datasets.checking import sampled_frames
from ..models.clip.architectures import get_arch
from .measuring import Report, Spread, by_turns

# 10^12 operations a second of dense bfloat16 and float16 matrix products, from
# NVIDIA's data sheets, without sparsity.
PEAKS = {'H200': 989.4, 'H100': 989.4, 'A100': 312.0, 'L40S': 362.0, 'L4': 121.0}
# Before torch 2.3 its counter misses attention that takes the fast path.
COUNTS = hasattr(torch.backends, 'mha')
DTYPES = dict(fp32=None, bf16=torch.bfloat16, fp16=torch.float16)


class Subject:
    """A recognizer of a config with random weights, a batch for it, and the
    image tower alone.

    Args:
        config (Config): Of a recognizer with CLIP's image tower.
        videos (int): In a batch.
        views (int): Of each video.
        precision (str): 'fp32', 'bf16' or 'fp16', by autocast.
        device (str, optional): Defaults to None: a GPU if there is one.
    """

    def __init__(
        self,
        config: Config,
        videos: int,
        views: int = 1,
        precision: str = 'bf16',
        device: Optional[str] = None,
    ) -> None:
        self.device = torch.device(device or get_device())
        self.dtype = DTYPES[precision]
        torch.manual_seed(0)
        without_weights(config.model)
        self.model = MODELS.build(config.model).to(self.device)
        self._optim = {
            key: value
            for key, value in config.optim_wrapper.items()
            if key not in ('type', 'dtype', 'loss_scale')
        }
        self._optim['type'] = 'OptimWrapper'
        if self.dtype is not None:
            name = str(self.dtype).rpartition('.')[2]
            self._optim.update(type='AmpOptimWrapper', dtype=name)
        clip_len = sampled_frames(config.test_pipeline)
        self._arch = get_arch(config.model.backbone.arch)
        self._size = self._arch['vision_cfg']['image_size']
        self.num_frames = videos * views * clip_len
        self.data = make_batch(videos, views, clip_len, self._size)

    @cached_property
    def tower(self) -> nn.Module:
        """open_clip's image tower alone."""
        return open_clip.CLIP(**self._arch).visual.to(self.device)

    @cached_property
    def images(self) -> Tensor:
        """A batch for it, on the device."""
        shape = self.num_frames, 3, self._size, self._size
        return torch.randn(shape, device=self.device)

    def autocast(self) -> Any:
        """As the recognizer computes."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def make_step(self) -> Callable[[], None]:
        """A step of training as a runner does it, with the optimizer."""
        wrapper = build_optim_wrapper(self.model.train(), ConfigDict(self._optim))
        return lambda: self.model.train_step(self.data, wrapper) and None

    def predict(self) -> None:
        """As a test does it."""
        self.model.eval()
        with torch.no_grad(), self.autocast():
            self.model.test_step(self.data)

    def tower_step(self) -> None:
        """The image tower alone, forward and backward, on images of the device."""
        with self.autocast():
            embeddings = self.tower.train()(self.images)
        embeddings.float().sum().backward()
        self.tower.zero_grad()

    def tower_forward(self) -> None:
        """The image tower alone, forward."""
        with torch.no_grad(), self.autocast():
            self.tower.eval()(self.images)


def without_weights(model: dict) -> None:
    """Leave out what a model's parts would load."""
    for value in model.values():
        if isinstance(value, dict):
            without_weights(value)
    if model.get('pretrained'):
        model['pretrained'] = None


def make_batch(videos: int, views: int, clip_len: int, size: int) -> dict[str, Any]:
    """Random images [views, 3, clip_len, size, size], uint8, of each video, as a
    data loader gives them."""
    samples = [ActionDataSample().set_gt_label(i) for i in range(videos)]
    shape = views, 3, clip_len, size, size
    inputs = [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(videos)]
    return dict(inputs=inputs, data_samples=samples)


def benchmark_train(subject: Subject, name: str, report: Report, repeats: int) -> None:
    """Steps, against forward and backward of the bare image tower.

    Args:
        subject (Subject): Recognizer, batch and tower.
        name (str): For the report.
        report (Report): Takes the figures.
        repeats (int): Rounds.
    """
    _compare(subject, name, report, repeats, subject.make_step(), subject.tower_step)


def benchmark_test(subject: Subject, name: str, report: Report, repeats: int) -> None:
    """Predictions, against forward of the bare image tower; see above."""
    _compare(subject, name, report, repeats, subject.predict, subject.tower_forward)


def _compare(
    subject: Subject,
    name: str,
    report: Report,
    repeats: int,
    whole: Callable[[], None],
    bare: Callable[[], None],
) -> None:
    times = by_turns(dict(whole=whole, bare=bare), repeats, warm_up=2)
    spent, alone = times['whole'].clock, times['bare'].clock
    videos = len(subject.data['data_samples'])
    figures: dict[str, Any] = dict(
        a_batch=Spread.of(1000 * spent, 'ms'),
        bare_image_tower=Spread.of(1000 * alone, 'ms'),
        ratio=Spread.of(spent / alone),
        videos_per_second=Spread.of(videos / spent),
    )
    if COUNTS:
        figures['TFLOPs_a_batch'] = count_operations(whole) / 1e12
    if subject.device.type == 'cuda':
        peak = peak_of_device(subject.device)
        if COUNTS and peak is not None and subject.dtype is not None:
            figures['MFU'] = Spread.of(figures['TFLOPs_a_batch'] / spent / peak)
            figures['MFU_of_the_tower'] = Spread.of(
                count_operations(bare) / alone / (peak * 1e12)
            )
        figures['peak_memory_GiB'] = peak_memory(whole)
        figures['synchronisations'] = count_synchronisations(whole)
    report.add(name, **figures)


def count_operations(part: Callable[[], None]) -> int:
    """Floating-point operations of its matrix products, attention and
    convolutions; a multiplication and an addition are two."""
    with FlopCounterMode(display=False) as counter, _without_fast_path():
        part()
    return counter.get_total_flops()


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """That of torch's attention, which the counter does not know."""
    mha = torch.backends.mha
    fast = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(fast)


def count_synchronisations(part: Callable[[], None]) -> int:
    """How often the host waits for the GPU in it, as torch finds out."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            part()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    return sum('synchronizing' in str(warning.message) for warning in caught)


def peak_of_device(device: torch.device) -> Optional[float]:
    """10^12 operations a second that the GPU can do; None if not known."""
    name = torch.cuda.get_device_name(device)
    return next((peak for key, peak in PEAKS.items() if key in name), None)


def peak_memory(part: Callable[[], None]) -> float:
    """Of the GPU in GiB, with what lies there before."""
    torch.cuda.reset_peak_memory_stats()
    part()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() / 2**30
