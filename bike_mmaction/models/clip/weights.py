"""open_clip's weight files, whatever their kind."""

import os.path as osp
import warnings
from typing import Any

import open_clip
import torch
import torch.nn as nn
from mmengine.logging import print_log
from open_clip.model import convert_to_custom_text_state_dict

from ...checkpoint import first_of_machine, is_released, is_torchscript, read_pickle
from .architectures import Arch, arch_name, first_lines, get_arch


def load_pretrained(arch: Arch, pretrained: str) -> Any:
    """A whole open_clip model with its weights, in float32 on the CPU.

    Args:
        arch (str | dict): See :func:`get_arch`.
        pretrained (str): A tag of open_clip (downloaded and cached by it),
            or a file: OpenAI's TorchScript ``.pt``, an open_clip state dict,
            or ``.safetensors``.

    Returns:
        nn.Module: It has ``visual``, ``text`` and ``logit_scale``.

    Raises:
        ValueError: if ``pretrained`` is neither file nor tag.
        RuntimeError: if the weights are of another architecture, or
            were trained with another activation.
    """
    config = get_arch(arch)
    path, tag_config = _find_weights(arch, pretrained)
    _check_quick_gelu(arch, config, path, pretrained, tag_config)
    config.pop('custom_text', None)  # `text` is a module in every case
    full = open_clip.CoCa if 'multimodal_cfg' in config else open_clip.CustomTextCLIP
    model = full(**config)
    try:
        _load_weights(model, path)
    except Exception as error:
        raise RuntimeError(
            f"pretrained='{pretrained}' does not fit arch={arch_name(arch)}: "
            f'{first_lines(error)}'
        ) from error
    print_log(f'Loaded CLIP weights from {path}', 'current')
    return model


def _find_weights(arch: Arch, pretrained: str) -> tuple[str, dict]:
    """Path of the weights, and open_clip's entry where it is a tag."""
    if osp.isfile(osp.expanduser(pretrained)):
        return osp.expanduser(pretrained), {}
    config = (
        open_clip.get_pretrained_cfg(arch, pretrained) if isinstance(arch, str) else {}
    )
    if not config:
        tags = (
            open_clip.list_pretrained_tags_by_model(arch)
            if isinstance(arch, str)
            else []
        )
        raise ValueError(
            f"pretrained='{pretrained}' is no existing file and no tag of "
            f'arch={arch_name(arch)}. Its tags: {tags}'
        )
    with first_of_machine():  # one download, then the others find it cached
        return _download(arch, pretrained, config), config


def _download(arch: Arch, tag: str, config: dict) -> str:
    try:
        return open_clip.download_pretrained(config)
    except Exception as error:
        raise RuntimeError(
            f"cannot download the weights '{tag}' of {arch}: "
            f'{first_lines(error).rstrip(".")}. Without a network, put the file on '
            'disk and name it: `pretrained` in a config, --pretrained FILE of commands '
            '(own clips: `bike data ... --pretrained FILE --overwrite`)'
        ) from error


def _check_quick_gelu(
    arch: Arch, config: dict, path: str, pretrained: str, tag_config: dict
) -> None:
    """OpenAI's weights give poor features with the exact GELU, and reverse."""
    ours = bool(config.get('quick_gelu'))
    if tag_config:
        theirs = bool(tag_config.get('quick_gelu'))
    elif is_torchscript(path):
        theirs = True  # only OpenAI publishes TorchScript
    else:
        # Other files do not tell what they were trained with.
        print_log(
            f"'{path}' must be of a CLIP trained with "
            f'{"QuickGELU" if ours else "GELU"}, as arch={arch_name(arch)} '
            'says',
            'current',
        )
        if not ours and 'openai' in path.lower():
            warnings.warn(
                f"'{path}' looks like OpenAI's weights, which need "
                f'QuickGELU; arch={arch_name(arch)} uses GELU'
            )
        return
    if ours != theirs and 'timm_model_name' not in config['vision_cfg']:
        names = ('QuickGELU', 'GELU')
        raise RuntimeError(
            f"pretrained='{pretrained}' was trained with "
            f'{names[not theirs]}, but arch={arch_name(arch)} uses '
            f'{names[not ours]}. Use the arch '
            f"{'with' if theirs else 'without'} '-quickgelu' in its name, or "
            f'quick_gelu={theirs} in an arch dict'
        )


def _load_weights(model: nn.Module, path: str) -> None:
    if is_torchscript(path):
        weights = torch.jit.load(path, map_location='cpu').state_dict()
        for name in ('input_resolution', 'context_length', 'vocab_size'):
            weights.pop(name, None)  # numbers that the model derives
        model.load_state_dict(convert_to_custom_text_state_dict(weights))
        return
    try:
        open_clip.load_checkpoint(model, path)
    except Exception as error:
        if not path.endswith(('.pt', '.pth', '.bin')):
            raise
        content = read_pickle(path, 'cpu')
        if is_released(content):
            raise RuntimeError(
                "this is one of the authors' released BIKE files. Run "
                f'bike convert-checkpoint {path} '
                'CONVERTED.pth and use `load_from=CONVERTED.pth`'
            ) from error
        if 'meta' in content and 'state_dict' in content:
            raise RuntimeError(
                'this is a checkpoint of MMEngine, not the weights of a CLIP. '
                'Name it as the checkpoint (`--checkpoint`), or in `load_from`'
            ) from error
        raise
