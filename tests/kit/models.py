"""A tiny CLIP, and the configs of models around it.

Each function returns a new config for ``MODELS.build``; keyword arguments
replace its values.
"""

import copy

import open_clip
import torch

from bike_mmaction.models.clip.architectures import get_arch

# Of the golden files too. Embeddings are 64 wide, images 32x32 pixels.
TINY_ARCH = dict(
    embed_dim=64,
    quick_gelu=True,
    vision_cfg=dict(image_size=32, patch_size=16, width=128, layers=2, head_width=64),
    text_cfg=dict(context_length=77, vocab_size=49408, width=128, heads=2, layers=2),
)
CLASSES = ['a dog', 'playing chess', 'yoga']
FOUR_CLASSES = [*CLASSES, 'reading a book in the sun']
WIDTH = TINY_ARCH['embed_dim']


def tiny_arch(**vision_cfg):
    """The tiny CLIP with another image tower."""
    arch = copy.deepcopy(TINY_ARCH)
    arch['vision_cfg'].update(vision_cfg)
    return arch


def small_arch(arch):
    """The architecture of the same layout and image size, but tiny."""
    config = copy.deepcopy(get_arch(arch))
    image_size = config['vision_cfg']['image_size']
    config.update(embed_dim=WIDTH)
    config['vision_cfg'].update(
        layers=1, width=64, head_width=32, patch_size=image_size // 2
    )
    config['text_cfg'].update(layers=1, width=64, heads=2)
    return config


def write_clip(path, arch=TINY_ARCH, seed=0, layout=open_clip.CLIP):
    """Write the weights of a random CLIP; return the path as text."""
    torch.manual_seed(seed)
    torch.save(layout(**arch).state_dict(), path)
    return str(path)


def write_checkpoint(model, path):
    """Write the weights of a model as MMEngine does; return the path as text."""
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


def image_encoder(**kwargs):
    return dict(dict(type='CLIPImageEncoder', arch=TINY_ARCH), **kwargs)


def text_encoder(**kwargs):
    return dict(dict(type='CLIPTextEncoder', arch=TINY_ARCH), **kwargs)


def temporal_transformer(**kwargs):
    return dict(
        dict(type='TemporalTransformer', embed_dims=WIDTH, num_heads=2, num_layers=1),
        **kwargs,
    )


def vcs_head(names, **kwargs):
    """For classes of these names."""
    defaults = dict(
        type='VCSHead',
        num_classes=len(names),
        in_channels=WIDTH,
        class_names=list(names),
        text_encoder=text_encoder(),
    )
    return dict(defaults, **kwargs)


def attributes_head(names, **kwargs):
    """For classes of these names."""
    defaults = dict(
        type='AttributesTextHead',
        num_classes=len(names),
        class_names=list(names),
        text_encoder=text_encoder(),
    )
    return dict(defaults, **kwargs)


def video_branch(names, head=None, **kwargs):
    """A recognizer without neck; ``head``: options of its VCSHead."""
    defaults = dict(
        type='CLIPRecognizer',
        backbone=image_encoder(),
        cls_head=vcs_head(names, **(head or {})),
    )
    return dict(defaults, **kwargs)


def attributes_branch(names, head=None, **kwargs):
    """A recognizer of attributes; ``head``: options of its head."""
    defaults = dict(
        type='CLIPRecognizer', attributes_head=attributes_head(names, **(head or {}))
    )
    return dict(defaults, **kwargs)


def both_branches(names, head=None, **kwargs):
    """One text encoder for both; ``head``: options of the attributes head."""
    head = dict(dict(text_encoder=None), **(head or {}))
    return video_branch(names, attributes_head=attributes_head(names, **head), **kwargs)
