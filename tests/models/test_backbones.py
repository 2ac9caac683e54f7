"""BIKE's heads on other backbones, and CLIP's encoder under other heads."""

import glob
import os.path as osp

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from bike_mmaction.recipes import set_views
from tests.kit import ROOT
from tests.kit.configs import shrink_data
from tests.kit.models import small_arch

CONFIGS = {
    osp.basename(path)[: -len('.py')]: path
    for path in sorted(glob.glob(osp.join(ROOT, 'configs/backbones/*.py')))
}
VIT = dict(embed_dims=64, num_heads=2)
# What makes each backbone small; the channels that it then has.
SMALL = dict(
    vcs_resnet50_k400=(dict(depth=18), 512),
    vcs_tsm_resnet50_k400=(dict(depth=18, pretrained2d=False), 512),
    vcs_slowonly_resnet50_k400=(dict(depth=18), 512),
    vcs_swin3d_tiny_k400=(
        dict(
            arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2]),
            pretrained2d=False,
        ),
        192,
    ),
    vcs_timesformer_k400=(dict(VIT, num_transformer_layers=1), 64),
    vcs_uniformerv2_vitb16_k400=(
        dict(
            clip_pretrained=False,
            width=64,
            layers=2,
            heads=2,
            return_list=[0, 1],
            n_layers=2,
            mlp_dropout=[0.5, 0.5],
            n_dim=64,
            n_head=2,
        ),
        64,
    ),
    vcs_videomae_vitb16_k400=(dict(VIT, depth=1), 64),
    bike_mmpretrain_convnext_tiny_k400=(dict(arch='atto'), 320),
    bike_timm_vit_small_k400=(
        dict(pretrained=False, depth=1, embed_dim=64, num_heads=2),
        64,
    ),
    bike_torchvision_resnet50_k400=(
        dict(type='torchvision.resnet18', weights=None),
        512,
    ),
    bike_slowonly_resnet50_plugplay_k400=(dict(depth=18), 512),
)
CONVOLUTIONS = ('resnet', 'convnext', 'swin3d')
TIMM = dict(
    bike_eva02_vitb16_k400='eva02_tiny_patch14_224',
    bike_convnext_b_k400='convnext_atto',
    bike_siglip_vitb16_k400='vit_tiny_patch16_224',
)


def small_clip(model, name):
    """A tiny CLIP for the towers that the model has."""
    arch = small_arch(model.cls_head.get('text_encoder', model.backbone).arch)
    if name in TIMM:
        arch['vision_cfg'] = dict(arch['vision_cfg'], timm_model_name=TIMM[name])
        # SigLIP's own tokenizer would be downloaded.
        arch['text_cfg'].pop('hf_tokenizer_name', None)
        arch['text_cfg'].pop('tokenizer_kwargs', None)
        arch['text_cfg'].update(context_length=77, vocab_size=49408)
        for key in ('layers', 'width', 'head_width', 'patch_size'):
            arch['vision_cfg'].pop(key, None)
    if arch['vision_cfg'].get('timm_proj') == 'none':  # SigLIP
        arch.update(embed_dim=192)
    return arch


def make_small(name, data_root, work_dir):
    cfg = Config.fromfile(CONFIGS[name])
    model = cfg.model
    clip = small_clip(model, name)
    channels = clip['embed_dim']
    if name in SMALL:
        changes, channels = SMALL[name]
        backbone = model.backbone.get('backbone', model.backbone)
        for key in ('pretrained', 'init_cfg'):
            backbone.pop(key, None)
        backbone.update(changes)
    else:
        model.backbone.update(arch=clip, pretrained=None)
    if model.get('neck'):
        model.neck.update(embed_dims=channels, num_heads=2, num_layers=1)
    model.cls_head.in_channels = channels
    if 'text_encoder' in model.cls_head:
        model.cls_head.text_encoder.update(arch=clip, pretrained=None)
    return shrink_data(cfg, data_root, work_dir)


@pytest.mark.parametrize('name', CONFIGS)
def test_trains_and_tests_with_views(name, data_root, tmp_path):
    cfg = make_small(name, data_root, tmp_path)
    cfg.train_dataloader.dataset.indices = 2  # a step
    cfg.val_dataloader.dataset.indices = 1
    if any(part in name for part in CONVOLUTIONS):
        # In bfloat16 a CPU may take a hundred times as long, and strided 3D ones
        # have no right gradient.
        cfg.optim_wrapper.type = 'OptimWrapper'
    set_views(cfg, '2x1')
    runner = Runner.from_cfg(cfg)
    gradients = {}
    for key, parameter in runner.model.named_parameters():
        if parameter.requires_grad:
            parameter.register_hook(
                lambda g, key=key: gradients.update({key: g.norm().item()})
            )
    runner.train()
    assert runner.message_hub.log_scalars['train/loss'].statistics('mean') > 0
    parts = ['backbone.']
    if name in SMALL and SMALL[name][1] != 64:
        parts.append('cls_head.projection.')
    for part in parts:
        norms = [v for k, v in gradients.items() if k.startswith(part)]
        assert norms and np.isfinite(norms).all() and max(norms) > 0, part
    metrics = runner.test()
    assert metrics['videos/evaluated'] == 5 and 'acc/top1' in metrics
