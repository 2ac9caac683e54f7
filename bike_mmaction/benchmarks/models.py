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
from mmengine.model import BaseModel
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
        clip_len (int): Frames of a view.
        num_frames (int): Of all videos and views.
        arch (dict): Of CLIP, in open_clip's layout.
        classes (int): How many.
        size (int): Pixels of an image's side.
        optim (dict): Config of an optimizer wrapper, of the precision.
        data (dict): The batch, as a data loader gives it.
        before (int): Bytes that others took of the GPU when the model was made.

    Raises:
        ValueError: if the config has another recognizer.
    """

    def __init__(
        self,
        config: Config,
        videos: int,
        views: int = 1,
        precision: str = 'bf16',
        device: Optional[str] = None,
    ) -> None:
        check_recognizer(config.model)
        self.device = torch.device(device or get_device())
        self.dtype = DTYPES[precision]
        self.videos, self.before = videos, used_memory()
        torch.manual_seed(0)
        without_weights(config.model)
        self.model = MODELS.build(config.model).to(self.device)
        self.classes = config.model.cls_head.num_classes
        self.optim = optim_of(config, self.dtype)
        self.clip_len = sampled_frames(config.test_pipeline)
        self.arch = get_arch(config.model.backbone.arch)
        self.size = self.arch['vision_cfg']['image_size']
        self.num_frames = videos * views * self.clip_len
        self.data = make_batch(videos, views, self.clip_len, self.size, self.classes)
        if self.device.type == 'cuda':  # as a data loader of a large training does
            self.data['inputs'] = [one.pin_memory() for one in self.data['inputs']]

    @cached_property
    def tower(self) -> nn.Module:
        """open_clip's image tower alone."""
        with self.device:
            return build_image_tower(self.arch)

    @cached_property
    def images(self) -> Tensor:
        """A batch for it, on the device."""
        shape = self.num_frames, 3, self.size, self.size
        return torch.randn(shape, device=self.device)

    def autocast(self) -> Any:
        """As the recognizer computes."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def make_step(self) -> Callable[[], None]:
        """A step of training as a runner does it, with the optimizer."""
        return make_step(self.model, self.optim, self.data)

    def predict(self) -> None:
        """As a test does it."""
        predict(self.model, self.data, self.autocast())

    def compiled(self, part: Callable[[], None]) -> Callable[[], None]:
        """The same part with the image tower compiled, which shares its weights.

        Args:
            part (Callable): A step, or :meth:`predict`.

        Raises:
            RuntimeError: if torch is too old.
        """
        parts: list[Any] = compile_tower(self.model.backbone.visual, {})
        calls = [(one, one._compiled_call_impl) for one in parts]
        for one in parts:
            one._compiled_call_impl = None
        return partial(_run_with, calls, part)

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


def check_recognizer(model: ConfigDict) -> None:
    """Refuse what has no image tower of CLIP, or needs attributes of its videos.

    Args:
        model (ConfigDict): Config of a recognizer.

    Raises:
        ValueError: saying what it is.
    """
    parts = {key: model.get(key) or {} for key in ('backbone', 'cls_head')}
    types = [
        str(part.get('type')).split('.')[-1] for part in (model, parts['backbone'])
    ]
    is_own = types == ['CLIPRecognizer', 'CLIPImageEncoder'] and parts['cls_head']
    if model.get('attributes_head') or not is_own:
        kind = 'an attributes_head' if model.get('attributes_head') else types[1]
        raise ValueError(
            f'--config: cannot measure a {types[0]} with {kind}; expected a '
            'CLIPRecognizer with CLIPImageEncoder and a cls_head alone, such as that '
            'of bike_vitb32_k400 (others: --peer)'
        )


def optim_of(config: Config, dtype: Optional[torch.dtype]) -> dict[str, Any]:
    """The config of an optimizer wrapper.

    Args:
        config (Config): Its ``optim_wrapper``, but for the precision.
        dtype (torch.dtype, optional): Of autocast; None without it.
    """
    options = {
        key: value
        for key, value in config.optim_wrapper.items()
        if key not in ('type', 'dtype', 'loss_scale')
    }
    if dtype is None:
        return dict(options, type='OptimWrapper')
    name = str(dtype).rpartition('.')[2]
    return dict(options, type='AmpOptimWrapper', dtype=name)


def make_step(model: BaseModel, optim: dict, data: dict) -> Callable[[], None]:
    """A step of training of a model, as a runner does it.

    Args:
        model (BaseModel): Is put into training mode.
        optim (dict): Config of the optimizer wrapper.
        data (dict): A batch, as a data loader gives it.
    """
    wrapper = build_optim_wrapper(model.train(), ConfigDict(optim))
    return lambda: model.train_step(data, wrapper) and None


def predict(model: BaseModel, data: dict, autocast: Any) -> None:
    """A prediction of a model, as a test makes it.

    Args:
        model (BaseModel): Is put into evaluation mode.
        data (dict): A batch, as a data loader gives it.
        autocast (ContextManager): Of the precision.
    """
    model.eval()
    with torch.no_grad(), autocast:
        model.test_step(data)


def _run_with(calls: list[tuple[Any, Callable]], part: Callable[[], None]) -> None:
    """A part, while modules call what torch.compile has made of them."""
    for module, call in calls:
        module._compiled_call_impl = call
    try:
        part()
    finally:
        for module, _ in calls:
            module._compiled_call_impl = None


def without_weights(model: dict) -> None:
    """Leave out what a model's parts would load."""
    for value in model.values():
        if isinstance(value, dict):
            without_weights(value)
    if model.get('pretrained'):
        model['pretrained'] = None


def make_batch(
    videos: int, views: int, clip_len: int, size: int, classes: int
) -> dict[str, Any]:
    """Random images [views, 3, clip_len, size, size], uint8, of each video, as a
    data loader gives them; videos have the classes by turns."""
    samples = [ActionDataSample().set_gt_label(i % classes) for i in range(videos)]
    shape = views, 3, clip_len, size, size
    inputs = [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(videos)]
    return dict(inputs=inputs, data_samples=samples)
