"""Another CLIP, or other weights of it, than those that a config names."""

import os
import os.path as osp
import warnings
from collections.abc import Iterator
from typing import Optional, Union

import open_clip
from mmengine.config import ConfigDict

from ..datasets.class_names import HEADS
from ..datasets.pipeline_access import SPLITS
from ..models.clip.architectures import Arch, arch_name, get_arch, has_own_weights
from ..models.clip.pipeline_fit import misfits
from ..models.clip.preprocessing import image_size, preprocessing_of
from ..models.clip.weights import check_activation
from .images import set_image_size, set_preprocessing

IMAGE_TOWER = 'CLIPImageEncoder'
TOWERS = (IMAGE_TOWER, 'CLIPTextEncoder')
HEAD_WIDTH = 64
CONTRASTIVE, SIGMOID = 'ContrastiveLoss', 'SigmoidLoss'


def use_clip(
    cfg,
    arch: Arch,
    pretrained: Union[str, os.PathLike, None] = None,
    short_side: Optional[int] = None,
    independent: Optional[bool] = None,
) -> None:
    """Let a model see and read by another image-text model of open_clip.

    All that follows from its weights is set: ``arch`` and ``pretrained`` of
    all towers (image encoder, text encoders, and the CLIP that associates
    attributes where that is the same as the image encoder); the widths of
    temporal transformer and heads; size, mean, standard deviation,
    interpolation and resize mode of the images, in all pipelines, see
    :func:`.set_preprocessing`. A ``load_from`` of another architecture is
    left out. Call it before what changes views.

    Args:
        cfg (Config | ConfigDict): The config to change. Where its backbone is
            none of CLIP, its text encoders alone.
        arch (str | dict): Model name of open_clip, 'hf-hub:org/repo',
            'local-dir:FOLDER' or a dict, see :func:`.get_arch`.
        pretrained (str | PathLike, optional): A tag of open_clip, a file, a
            folder or a repository, see :func:`.load_pretrained`. Defaults to
            None: those of the repository or folder that ``arch`` names.
        short_side (int, optional): To which tests resize before they crop,
            such as BIKE's 256 where images have 224 pixels. Defaults to None:
            the size of the images, as the weights were tested.
        independent (bool, optional): Whether each class has a probability of
            its own, by :class:`.SigmoidLoss`. Defaults to None: where the
            model was trained so (SigLIP) and the video branch is alone. Else
            the loss stays; False makes it :class:`.ContrastiveLoss`.

    Raises:
        RuntimeError: if the Hub does not give the config of a repository, or the
            weights were trained with another activation.
        ValueError: if there is no such architecture or tag; the model has no
            tower of CLIP; or an option does not fit.
    """
    if pretrained is None and has_own_weights(arch):
        pretrained = str(arch)
    config = get_arch(arch)
    pretrained = _checked(arch, pretrained)
    check_activation(arch, config, pretrained)
    towers = list(_towers(cfg.model))
    if not towers:
        raise ValueError(
            f'use_clip: the config has no tower of CLIP, which are {_names()}'
        )
    _leave_out_checkpoint(cfg, arch)
    for tower in towers:
        tower.update(arch=arch, pretrained=pretrained)
    _choose_loss(cfg.model, config, independent)
    for key in HEADS:
        head = cfg.model.get(key) or {}
        if head.get('in_channels') and (_sees(cfg.model) or key != 'cls_head'):
            head['in_channels'] = config['embed_dim']
    if _sees(cfg.model):
        _set_neck(cfg.model, config)
        _set_images(cfg, arch, pretrained, short_side)


def _names() -> str:
    return ' and '.join(TOWERS)


def _sees(model: dict) -> bool:
    return (model.get('backbone') or {}).get('type') == IMAGE_TOWER


def _checked(arch: Arch, weights: Union[str, os.PathLike, None]) -> str:
    """Refuse what can be no file either; files may be of another machine."""
    pretrained = None if weights is None else os.fspath(weights)
    is_tag = isinstance(arch, str) and not has_own_weights(arch)
    tags = open_clip.list_pretrained_tags_by_model(arch) if is_tag else []
    if pretrained is None:
        raise ValueError(
            f'use_clip: name the weights of arch={arch_name(arch)}: a file, or one of '
            f'its tags: {tags}'
        )
    is_path = osp.exists(pretrained) or any(sign in pretrained for sign in './:')
    if not is_path and not (is_tag and open_clip.get_pretrained_cfg(arch, pretrained)):
        raise ValueError(
            f"use_clip: pretrained='{pretrained}' is no file and no tag of "
            f'arch={arch_name(arch)}. Its tags: {tags}'
        )
    return pretrained


def _leave_out_checkpoint(cfg, arch: Arch) -> None:
    """A training of another architecture cannot begin with it."""
    begin = cfg.get('load_from')
    if begin and _sees(cfg.model) and cfg.model['backbone'].get('arch') != arch:
        cfg['load_from'] = None
        warnings.warn(
            f"use_clip: load_from='{begin}' is of another architecture, and left out: "
            'set load_from to a checkpoint of this one, or train from its own weights'
        )


def _set_neck(model: dict, config: dict) -> None:
    """As wide as the embeddings, with as many heads as the authors'."""
    neck = model.get('neck') or {}
    if neck.get('type') == 'TemporalTransformer':
        width = config['embed_dim']
        heads = config['text_cfg'].get('width', width) // HEAD_WIDTH or 1
        if width % heads:
            heads = width // HEAD_WIDTH if width % HEAD_WIDTH == 0 else 1
        neck.update(embed_dims=width, num_heads=heads)


def _choose_loss(model: dict, config: dict, independent: Optional[bool]) -> None:
    head = model.get('cls_head') or {}
    alone = head.get('type') == 'VCSHead' and not model.get('attributes_head')
    if independent and not alone:
        raise ValueError(
            'use_clip: independent=True is for a model whose cls_head is a VCSHead, '
            'without attributes_head: there, classes compete'
        )
    if independent is None:
        independent = alone and config.get('init_logit_bias') is not None
        if not independent:
            _tell_sigmoid(head)
            return
    if independent:
        head['loss_cls'] = ConfigDict(type=SIGMOID)
    elif (head.get('loss_cls') or {}).get('type') == SIGMOID:
        head['loss_cls'] = ConfigDict(type=CONTRASTIVE)


def _tell_sigmoid(head: dict) -> None:
    """That of an earlier model stays too, as nothing tells it from a chosen one."""
    if (head.get('loss_cls') or {}).get('type') == SIGMOID:
        warnings.warn(
            f'use_clip: cls_head.loss_cls stays {SIGMOID}, by which each class has a '
            'probability of its own, but the model was not trained so: '
            'independent=False lets classes compete, independent=True keeps it'
        )


def _set_images(
    cfg, arch: Arch, pretrained: Optional[str], short_side: Optional[int]
) -> None:
    """What is known of the weights; of bare files that is the size alone."""
    images = preprocessing_of(arch, pretrained, fetch=True)
    if images is not None:
        set_preprocessing(cfg, images, short_side)
        return
    warnings.warn(
        f"use_clip: nothing tells what images the weights '{pretrained}' want: mean, "
        'std, interpolation and resize mode stay as they are; an '
        'open_clip_config.json beside the file would tell it'
    )
    size = image_size(arch)
    set_image_size(cfg, size, short_side or max(size))


def use_pretrained(cfg, weights: str) -> None:
    """Let all towers of CLIP begin with these weights, of the same architecture.

    Those are the image encoder, the text encoders of both heads, and the CLIP
    that associates attributes, unless it is of another architecture. Where
    these weights want other images than those that the pipelines give, these
    are changed, see :func:`.set_preprocessing`.

    Args:
        cfg (Config): The config to change.
        weights (str): A file, a tag of open_clip, a folder or a repository.

    Raises:
        ValueError: if the model has no such tower.
    """
    towers = list(_towers(cfg.model))
    if not towers:
        raise ValueError(
            f'--pretrained {weights}: the config has no tower of CLIP, '
            f'which are {_names()}'
        )
    for tower in towers:
        tower['pretrained'] = weights
    if _sees(cfg.model):
        images = preprocessing_of(cfg.model['backbone']['arch'], weights, fetch=True)
        if images is not None and misfits(cfg, SPLITS):
            set_preprocessing(cfg, images)


def _towers(model) -> Iterator[dict]:
    parts = [model.get(key) or {} for key in HEADS]
    candidates = [
        model.get('backbone') or {},
        *(head.get('text_encoder') or {} for head in parts),
        *(head.get('attributes_encoder') or {} for head in parts),
    ]
    own_arch = candidates[0].get('arch')  # before anybody changes it
    association = model.get('association') or {}
    shared = association and association.get('arch') in (None, own_arch)
    for part in candidates:
        if part.get('type') in TOWERS:
            yield part
    if shared:
        yield association
