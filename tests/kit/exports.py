"""Tiny recognizers for export, and what they predict."""

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from bike_mmaction.apis import export
from bike_mmaction.compat import torch_version
from tests.kit.configs import load_tiny
from tests.kit.models import FOUR_CLASSES, tiny_arch

ARCH = tiny_arch(layers=1)
needs_torch = pytest.mark.skipif(
    torch_version() < export.MIN_TORCH,
    reason='export needs torch>={}.{}'.format(*export.MIN_TORCH),
)


def skip_without_export():
    """Skip a test where torch is too old."""
    if torch_version() < export.MIN_TORCH:
        pytest.skip('export needs torch>={}.{}'.format(*export.MIN_TORCH))


def require_onnx():
    """The package, where ONNX can be written; else the test is skipped."""
    skip_without_export()
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    return pytest.importorskip('onnx')


def small_config(name='bike_vitb32_k400', **head):
    """Four frames of 32x32 pixels, a tiny CLIP, four classes."""
    return load_tiny(name, FOUR_CLASSES, arch=ARCH, **head)


def build(cfg):
    """With weights that make videos, frames and classes differ."""
    torch.manual_seed(1)
    model = MODELS.build(cfg.model).eval()
    model.cfg = cfg
    return model


@torch.no_grad()
def predictions(model, frames):
    """Cosines as MMAction2's own way gives them."""
    average, model.cls_head.average_clips = model.cls_head.average_clips, 'score'
    inputs = [torch.from_numpy(x.astype('uint8'))[None] for x in frames]
    samples = model.test_step(
        dict(inputs=inputs, data_samples=[ActionDataSample() for _ in frames])
    )
    model.cls_head.average_clips = average
    return np.stack([sample.pred_score.numpy() for sample in samples])


def without_neck():
    cfg = small_config()
    cfg.model.neck = None
    return cfg


def images():
    """Recognizer2D, frames folded into the batch; a projection."""
    return small_config('vcs_resnet50_k400', num_segments=4)


def timm():
    """A backbone of another package, with a neck."""
    cfg = small_config('bike_timm_vit_small_k400')
    cfg.model.backbone.backbone.update(
        pretrained=False, depth=1, embed_dim=64, num_heads=2, img_size=32
    )
    cfg.model.cls_head.in_channels = 64
    return cfg


def clips():
    """Three-dimensional convolutions."""
    return small_config('vcs_slowonly_resnet50_k400')


BACKBONES = (without_neck, images, timm, clips)
