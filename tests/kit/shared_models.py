"""A tiny recognizer to share, and changes of the files of one that was shared."""

import json

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from bike_mmaction.apis import BIKEInferencer
from tests.kit.models import (
    FOUR_CLASSES,
    image_encoder,
    text_encoder,
    video_branch,
    write_checkpoint,
)

# Small on the disk: it is copied for each hostile variant.
ARCH = dict(
    embed_dim=32,
    quick_gelu=True,
    vision_cfg=dict(image_size=32, patch_size=16, width=64, layers=1, head_width=32),
    text_cfg=dict(context_length=77, vocab_size=49408, width=16, heads=1, layers=1),
)
PIPELINE = [
    dict(type='VideoInit'),
    dict(type='SparseSampleFrames', clip_len=4, test_mode=True),
    dict(type='VideoDecode'),
    dict(type='AntialiasedResize', scale=(-1, 36), interpolation='bicubic'),
    dict(type='RoundedCenterCrop', crop_size=32),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'img_shape')),
]


def tiny_config(arch=ARCH, **model):
    """Of a recognizer of four classes."""
    neck = dict(type='TemporalTransformer', embed_dims=32, num_heads=2, num_layers=1)
    head = dict(in_channels=32, text_encoder=text_encoder(arch=arch))
    default = video_branch(
        FOUR_CLASSES, head, backbone=image_encoder(arch=arch, init_cfg=None), neck=neck
    )
    mean, std = [122.771, 116.746, 104.094], [68.501, 66.632, 70.323]
    default['data_preprocessor'] = dict(
        type='ActionDataPreprocessor', mean=mean, std=std, format_shape='NCTHW'
    )
    return Config(dict(model=dict(default, **model), test_pipeline=PIPELINE))


def build(config, folder):
    """An inferencer of random weights."""
    torch.manual_seed(0)
    path = write_checkpoint(MODELS.build(config.model), folder / 'model.pth')
    return BIKEInferencer(config, path, device='cpu', workers=0)


def change(folder, **keys):
    """Replace values of the config: 'model.cls_head.prompt' by dots, written '__'."""
    path = folder / 'bike_config.json'
    content = json.loads(path.read_text())
    for key, value in keys.items():
        *parts, last = key.split('__')
        place = content
        for part in parts:
            place = place[int(part) if part.isdigit() else part]
        place[int(last) if last.isdigit() else last] = value
    replace(path, json.dumps(content))


def replace(path, content):
    """A new file in place of one that other folders share."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def same(one, other):
    """Whether two recognitions are the same, bit for bit."""
    return one == other and np.array_equal(one._confidences, other._confidences)
