"""A CLIP of open_clip with its weights, whatever kind of file they are."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Optional

import open_clip
import torch
from mmengine.logging import print_log
from open_clip.convert import convert_state_dict
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from torch import Tensor

from .architectures import Arch, arch_name, first_lines, get_arch
from .state_dicts import check_npz, read_state_dict
from .weight_files import about_weights, find_weights

# What older versions of transformers keep with the weights.
_POSITIONS = 'text.transformer.embeddings.position_ids'


_read: ContextVar[Optional[dict]] = ContextVar('_read', default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Inside, towers of the same weights take them from one reading."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def load_pretrained(arch: Arch, pretrained: str) -> Any:
    """A whole open_clip model with its weights, in float32 on the CPU.

    It may be one that :func:`read_once` keeps: copy from it, do not change it.

    Args:
        arch (str | dict): See :func:`get_arch`.
        pretrained (str): Where its weights are, see :func:`.find_weights`:
            a tag of open_clip or a repository of the Hub (downloaded and
            cached by it), a folder, or a file: OpenAI's TorchScript ``.pt``,
            an open_clip state dict, ``.safetensors`` or the index of several,
            ``.npz`` of big_vision.

    Returns:
        nn.Module: It has ``visual``, ``text`` and ``logit_scale``.

    Raises:
        ValueError: if ``pretrained`` is neither file nor tag.
        RuntimeError: if the weights cannot be read, are of another
            architecture, or were trained with another activation.
    """
    kept, key = _read.get(), (repr(arch), pretrained)
    if kept is None:
        return _load(arch, pretrained)
    if key not in kept:
        kept[key] = _load(arch, pretrained)
    return kept[key]


def _load(arch: Arch, pretrained: str) -> Any:
    config = get_arch(arch)
    if not check_activation(arch, config, pretrained):
        _tell_activation(arch, config, pretrained)
    path = find_weights(arch, pretrained)
    config.pop('custom_text', None)  # `text` is a module in every case
    full = open_clip.CoCa if 'multimodal_cfg' in config else open_clip.CustomTextCLIP
    if path.endswith('.npz'):
        check_npz(path)
        weights = None
    else:
        try:
            weights = read_state_dict(path)
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(f"pretrained='{pretrained}': {error}") from error
    # Its random weights are replaced: they take no draws from what others have.
    with torch.random.fork_rng(devices=[]):
        model = full(**config)
    try:
        if weights is None:  # big_vision's layout, which open_clip translates
            open_clip.load_checkpoint(model, path)
        else:
            _fill(model, weights)
    except Exception as error:
        raise RuntimeError(
            f"pretrained='{pretrained}' does not fit arch={arch_name(arch)}: "
            f'{first_lines(error)}'
        ) from error
    print_log(f'Loaded CLIP weights from {path}', 'current')
    return model


def check_activation(arch: Arch, config: dict, pretrained: str) -> bool:
    """Refuse weights that were trained with another activation.

    OpenAI's weights give poor features with the exact GELU, and reverse.

    Args:
        arch (str | dict): See :func:`get_arch`.
        config (dict): What :func:`get_arch` makes of it.
        pretrained (str): See :func:`.find_weights`.

    Returns:
        bool: Whether anything tells what they were trained with.

    Raises:
        RuntimeError: if it is another one than that of the architecture.
    """
    ours = bool(config.get('quick_gelu'))
    about = about_weights(arch, pretrained, fetch=True)
    theirs = None if about is None else about.quick_gelu
    if theirs not in (None, ours) and 'timm_model_name' not in config['vision_cfg']:
        names = ('QuickGELU', 'GELU')
        raise RuntimeError(
            f"pretrained='{pretrained}' was trained with "
            f'{names[not theirs]}, but arch={arch_name(arch)} uses '
            f'{names[not ours]}. Use the arch '
            f"{'with' if theirs else 'without'} '-quickgelu' in its name, or "
            f'quick_gelu={theirs} in an arch dict'
        )
    return about is not None


def _tell_activation(arch: Arch, config: dict, pretrained: str) -> None:
    """Bare files do not tell what they were trained with."""
    ours = bool(config.get('quick_gelu'))
    print_log(
        f"'{pretrained}' must be of a CLIP trained with "
        f'{"QuickGELU" if ours else "GELU"}, as arch={arch_name(arch)} '
        'says',
        'current',
    )
    if not ours and 'openai' in pretrained.lower():
        warnings.warn(
            f"'{pretrained}' looks like OpenAI's weights, which need "
            f'QuickGELU; arch={arch_name(arch)} uses GELU'
        )


def _fill(model: Any, weights: dict[str, Tensor]) -> None:
    """As ``open_clip.load_checkpoint``, which reads the file itself.

    Layouts of others become open_clip's, positions are interpolated.
    """
    weights = convert_state_dict(model, weights)
    if 'positional_embedding' in weights and not hasattr(model, 'positional_embedding'):
        weights = convert_to_custom_text_state_dict(weights)
    for name in ('logit_scale', 'logit_bias'):  # numbers, or vectors of one
        own = getattr(model, name, None)
        if own is not None and name in weights:
            weights[name] = weights[name].reshape(own.shape)
    if 'logit_bias' not in weights and getattr(model, 'logit_bias', None) is not None:
        weights['logit_bias'] = torch.zeros_like(model.logit_bias)
    if _POSITIONS not in model.state_dict():
        weights.pop(_POSITIONS, None)
    resize_pos_embed(weights, model)
    resize_text_pos_embed(weights, model)
    model.load_state_dict(weights)
