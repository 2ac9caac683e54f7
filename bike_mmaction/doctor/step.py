"""One step of training, and what a batch would take of memory."""

import copy
import math
import time
from collections.abc import Iterator
from typing import Any, Optional

import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper

from ..benchmarks.models import make_batch, without_weights
from ..datasets.checking import sampled_frames
from ..datasets.pipeline_access import own_dataset
from ..models.clip.preprocessing import image_size
from ..models.wrappers import number_of_classes
from .findings import ERROR, OK, WARNING, Finding, failed
from .machine import GIB

_VIDEOS = 2  # in the step: the loss contrasts them


def step(cfg: Config, with_step: bool, device: Optional[str]) -> Iterator[Finding]:
    """Build the model, train for a step, estimate the memory of a batch.

    Args:
        cfg (Config): With data set, model and optimizer.
        with_step (bool): Whether to train; without it the activations are
            not estimated.
        device (str, optional): Defaults to None: a GPU if there is one.
    """
    cfg = copy.deepcopy(cfg)
    without_weights(cfg.model)  # which are random then
    model = MODELS.build(cfg.model)
    fixed = memory_of_weights(model)
    count = sum(p.numel() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    text = f'{count / 1e6:.1f} million parameters, {trained / 1e6:.1f} of them trained'
    yield Finding('model', OK, text)
    batch_size = cfg.train_dataloader.get('batch_size') or 1
    if not with_step:
        text = f'{fixed / GIB:.1f} GiB for weights, gradients and optimizer (estimate)'
        yield Finding('memory', OK, f'{text}, activations not looked at')
        return
    place = torch.device(device or get_device())
    batch, origin = _batch(cfg, number_of_classes(model) or _VIDEOS)
    start = time.monotonic()
    try:
        losses, saved = train_once(cfg, model.to(place), batch)
    except Exception as error:
        cure = 'see the message; `bike train` would end with it as well'
        if 'out of memory' in str(error):
            cure = (
                'a smaller model or image size, or another GPU (CUDA_VISIBLE_DEVICES)'
            )
        yield failed('step', error)._replace(cure=cure)
        return
    text = f'{_VIDEOS} {origin} on {place}: loss {losses:.3f}'
    state = OK if math.isfinite(losses) else ERROR
    yield Finding('step', state, f'{text}, {time.monotonic() - start:.1f} s')
    yield _memory(fixed, saved // _VIDEOS * batch_size, batch_size, place)


def memory_of_weights(model: torch.nn.Module) -> int:
    """Bytes of weights, buffers, gradients, and of two moments of an optimizer."""
    tensors = [*model.parameters(), *model.buffers()]
    trained = [p for p in model.parameters() if p.requires_grad]
    return sum(t.numel() * t.element_size() for t in tensors) + 3 * sum(
        p.numel() * p.element_size() for p in trained
    )


def train_once(cfg: Config, model: Any, batch: dict) -> tuple[float, int]:
    """A step as a runner does it.

    Returns:
        tuple[float, int]: The loss; and bytes that were kept for the way back.
    """
    options = copy.deepcopy(cfg.optim_wrapper)
    if options.get('type') == 'DeepSpeedOptimWrapper':  # for models of DeepSpeed
        options['type'] = 'OptimWrapper'
    wrapper = build_optim_wrapper(model.train(), options)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        losses = model.train_step(batch, wrapper)
    return float(losses['loss']), sum(saved.values())


def _batch(cfg: Config, classes: int) -> tuple[dict[str, Any], str]:
    """Two samples of the training set, or random ones; and which they are."""
    config = own_dataset(cfg, 'train')
    try:
        dataset = DATASETS.build(config)
        samples = [dataset[i % len(dataset)] for i in range(_VIDEOS)]
        return pseudo_collate(samples), 'videos of the training set'
    except Exception:  # which has findings of its own
        return _random(cfg, config, classes), 'random videos'


def _random(cfg: Config, config: dict, classes: int) -> dict[str, Any]:
    pipeline = config['pipeline']
    arch = cfg.model.get('backbone', {}).get('arch')
    size = image_size(arch)[0] if arch else 224
    batch = make_batch(_VIDEOS, 1, sampled_frames(pipeline), size, classes)
    if config.get('multi_class'):
        ones = torch.eye(config['num_classes'])
        for sample in batch['data_samples']:
            sample.set_gt_label(ones[sample.gt_label.item()])
    return batch


def _memory(fixed: int, activations: int, videos: int, place: torch.device) -> Finding:
    total = fixed + activations
    text = (
        f'about {total / GIB:.1f} GiB for a batch of {videos} videos: '
        f'{fixed / GIB:.1f} weights, gradients and optimizer, '
        f'{activations / GIB:.1f} activations (an estimate, without what '
        'libraries and fragments take)'
    )
    if place.type != 'cuda':
        return Finding('memory', OK, text)
    most = torch.cuda.get_device_properties(place).total_memory
    text += f', of {most / GIB:.0f} GiB'
    if total < 0.9 * most:
        return Finding('memory', OK, text)
    fits = max(int((0.9 * most - fixed) / max(activations / videos, 1)), 1)
    cure = f'--cfg-options train_dataloader.batch_size={fits}'
    return Finding('memory', WARNING, text, cure)
