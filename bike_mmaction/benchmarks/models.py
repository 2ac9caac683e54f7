"""A recognizer with random weights, a batch for it, and its image tower alone."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any, Optional

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from torch import Tensor

from ..datasets.checking import sampled_frames
from ..models.clip.architectures import build_image_tower, get_arch
from ..models.clip.efficiency import compile_tower
from .counting import used_memory

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

    Attributes:
        videos (int): In the batch.
        num_frames (int): Of all videos and views.
        before (int): Bytes that others took of the GPU when the model was made.
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
        self.videos, self.before = videos, used_memory()
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
        if self.device.type == 'cuda':  # as a data loader of a large training does
            self.data['inputs'] = [one.pin_memory() for one in self.data['inputs']]

    @cached_property
    def tower(self) -> nn.Module:
        """open_clip's image tower alone."""
        with self.device:
            return build_image_tower(self._arch)

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

    def compiled(self, part: Callable[[], None]) -> Callable[[], None]:
        """The same part with the image tower compiled, which shares its weights.

        Args:
            part (Callable): A step, or :meth:`predict`.

        Raises:
            RuntimeError: if torch is too old.
        """
        tower = self.model.backbone.visual
        compile_tower(tower, {})
        forward, tower._compiled_call_impl = tower._compiled_call_impl, None
        return partial(_run_with, tower, forward, part)

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


def _run_with(tower: Any, forward: Callable, part: Callable[[], None]) -> None:
    """A part, while a tower calls what torch.compile has made of it."""
    tower._compiled_call_impl = forward
    try:
        part()
    finally:
        tower._compiled_call_impl = None


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
