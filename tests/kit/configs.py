"""Shipped configs, made small."""

import re

import open_clip
from mmengine.config import Config

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.recipes import set_clip_len, set_image_size
from bike_mmaction.shipped import find_config
from tests.kit.models import TINY_ARCH, WIDTH, small_arch


def is_known(path):
    """Whether the open_clip that is installed has the model of a config."""
    with open(path, encoding='utf-8') as file:
        named = re.search(r"use_clip\(_base_, '([^']+)'", file.read())
    return not named or named[1] in open_clip.list_models()


def load_config(name):
    """The shipped config of this name, in whatever folder it lies."""
    return Config.fromfile(find_config(name))


def load_tiny(name, class_names, arch=TINY_ARCH, pretrained=None, **head):
    """A shipped config with four frames of 32x32 pixels and few classes.

    Args:
        name (str): Of the config.
        class_names (list[str]): For the heads that it has.
        arch (dict): Of CLIP's towers, as far as the model has them.
        pretrained (str, optional): Weights of CLIP.
        head (dict): Further options of ``cls_head``.
    """
    cfg = load_config(name)
    set_image_size(cfg, 32, 36)
    set_clip_len(cfg, 4)
    model = cfg.model
    tower = dict(arch=arch, pretrained=pretrained)
    model.cls_head.text_encoder.update(tower)
    if model.backbone.type == 'CLIPImageEncoder':
        model.backbone.update(tower)
        model.cls_head.in_channels = WIDTH
    elif 'depth' in model.backbone:  # a ResNet
        model.backbone.update(depth=18, pretrained=None)
        model.cls_head.in_channels = 512
    if model.get('neck'):
        model.neck.update(embed_dims=WIDTH, num_heads=2, num_layers=1)
    for key in ('cls_head', 'attributes_head'):
        if key in model:
            model[key].update(class_names=class_names, num_classes=len(class_names))
    model.cls_head.update(head)
    return cfg


def shrink_model(model):
    """Make the model of a shipped config tiny, and without weights."""
    arch = small_arch(model.backbone.arch)
    model.backbone.update(arch=arch, pretrained=None)
    if model.get('neck'):
        model.neck.update(embed_dims=64, num_heads=2, num_layers=1)
    model.cls_head.in_channels = 64
    model.cls_head.text_encoder.update(arch=arch, pretrained=None)
    for name in ('text_encoder', 'attributes_encoder'):
        if name in model.get('attributes_head', {}):
            model.attributes_head[name].update(arch=arch, pretrained=None)
    if model.get('association'):
        model.association.update(
            arch=small_arch(model.association.arch), pretrained=None
        )


def shrink(cfg, data_root, work_dir):
    """Make a shipped config quick: tiny towers, own data, one epoch.

    What a config is about stays: pipelines, frames, image size, heads,
    losses, optimizer and schedule. A second stage starts without the first.
    """
    shrink_model(cfg.model)
    return shrink_data(cfg, data_root, work_dir)


def shrink_data(cfg, data_root, work_dir):
    """Own data and one epoch; of :func:`shrink`, all but the model."""
    for head in ('cls_head', 'attributes_head'):
        if 'class_names' in cfg.model.get(head, {}):
            cfg.model[head].class_names = cfg.model[head].class_names.replace(
                cfg.data_root, data_root
            )
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        if loader is None:
            continue
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        dataset = own_dataset(cfg, name)
        dataset.ann_file = dataset.ann_file.replace(cfg.data_root, data_root)
        for key, folder in dataset.data_prefix.items():
            dataset.data_prefix[key] = folder.replace(cfg.data_root, data_root)
        for transform in dataset.pipeline:
            if transform.type == 'LoadAttributes':
                transform.ann_file = transform.ann_file.replace(
                    cfg.data_root, data_root
                )
    if cfg.train_cfg:
        cfg.train_cfg.max_epochs = 1
        cfg.param_scheduler = cfg.param_scheduler[1:]
        cfg.param_scheduler[0].update(begin=0, T_max=1, end=1)
    cfg.load_from = None
    cfg.work_dir = str(work_dir)
    cfg.default_hooks.logger.interval = 1
    return cfg


def shrink_images(cfg, num_classes=29):
    """Images of 32x32 pixels and few classes, after :func:`shrink`."""
    cfg.model.backbone.arch = TINY_ARCH
    cfg.model.cls_head.update(
        num_classes=num_classes, class_names=[f'class {i}' for i in range(num_classes)]
    )
    cfg.model.cls_head.text_encoder.arch = TINY_ARCH
    for split in ('train', 'val', 'test'):
        for step in cfg[f'{split}_dataloader'].dataset.pipeline:
            if step.type.endswith('Resize'):
                step.update(scale=(32, 32), keep_ratio=False)
            elif 'crop_size' in step:
                step.crop_size = 32
    return cfg
