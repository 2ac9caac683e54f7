"""open_clip's architectures and weight files, whatever their kind."""

import os.path as osp
import warnings
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Union

import open_clip
import torch
import torch.nn as nn
from mmengine.logging import print_log
from open_clip.model import (
    CLIPTextCfg,
    CLIPVisionCfg,
    _build_text_tower,
    _build_vision_tower,
    convert_to_custom_text_state_dict,
)

from ..checkpoint import first_of_machine, is_released, is_torchscript, read_pickle

Arch = Union[str, dict]
# Of open_clip's model-config files, beside these and the two towers.
KEYS = (
    'custom_text',
    'multimodal_cfg',
    'quick_gelu',
    'init_logit_scale',
    'init_logit_bias',
    'nonscalar_logit_scale',
)
CONTEXT = 77  # open_clip's default of text_cfg.context_length


def get_arch(arch: Arch) -> dict:
    """An architecture as open_clip's model-config dict.

    Args:
        arch (str | dict): Model name of open_clip, or such a dict.

    Returns:
        dict: A copy, which downloads no weights of its towers.

    Raises:
        ValueError: if the name is unknown, or the dict lacks a key or has
            one that open_clip does not know.
    """
    config = _read_arch(arch) if isinstance(arch, str) else arch
    missing = {'embed_dim', 'vision_cfg', 'text_cfg'} - set(config)
    if missing:
        raise ValueError(
            f'arch lacks {sorted(missing)}; as a dict it needs '
            "'embed_dim', 'vision_cfg' and 'text_cfg', as in "
            "open_clip's model-config files"
        )
    config = {k: dict(v) if isinstance(v, dict) else v for k, v in config.items()}
    known = {
        'arch': (config, ('embed_dim', 'vision_cfg', 'text_cfg', *KEYS)),
        'arch.vision_cfg': (config['vision_cfg'], _names(CLIPVisionCfg)),
        'arch.text_cfg': (config['text_cfg'], _names(CLIPTextCfg)),
    }
    for name, (given, accepted) in known.items():
        surplus = sorted(set(given) - set(accepted))
        if surplus:
            raise ValueError(
                f'{name} has {surplus}, which open_clip '
                f'{open_clip.__version__} does not know; it knows '
                f'{sorted(accepted)}'
            )
    if config['vision_cfg'].get('timm_model_name'):
        config['vision_cfg']['timm_model_pretrained'] = False
    if config['text_cfg'].get('hf_model_name'):
        config['text_cfg']['hf_model_pretrained'] = False
    return config


def _read_arch(name: str) -> dict:
    try:
        config = open_clip.get_model_config(name)
    except Exception as error:  # of a folder, or of the Hub
        raise ValueError(
            f"arch='{name}' cannot be read: {_first_lines(error)}"
        ) from error
    if config is None:
        near = [m for m in open_clip.list_models() if m.lower()[:6] == name.lower()[:6]]
        raise ValueError(
            f"arch='{name}' is not a model of open_clip "
            f'{open_clip.__version__}. Similar names: '
            f'{near or open_clip.list_models()[:10]}'
        )
    return config


def _names(config_class: type) -> list:
    return [field.name for field in fields(config_class)]


def build_image_tower(arch: Arch) -> nn.Module:
    """The visual tower of an architecture, with random weights.

    Args:
        arch (str | dict): See :func:`get_arch`.

    Raises:
        ImportError: if it needs a package that is missing.
        ValueError: if it does not fit open_clip.
    """
    config = get_arch(arch)
    with _explained(arch, 'vision_cfg'):
        return _build_vision_tower(
            config['embed_dim'], config['vision_cfg'], config.get('quick_gelu', False)
        )


def build_text_tower(arch: Arch) -> nn.Module:
    """As :func:`build_image_tower`, the text tower."""
    config = get_arch(arch)
    length = config['text_cfg'].get('context_length', CONTEXT)
    with _explained(arch, 'text_cfg'):
        tower = _build_text_tower(
            config['embed_dim'], config['text_cfg'], config.get('quick_gelu', False)
        )
        if 0 < tower.context_length < length:  # of Hugging Face
            raise ValueError(
                f'context_length={length}, but the tower has '
                f'{tower.context_length} positions'
            )
    return tower


@contextmanager
def _explained(arch: Arch, key: str):
    """What fails in open_clip is a fault of the architecture."""
    try:
        yield
    except Exception as error:
        what = f'{key} of arch={arch_name(arch)}'
        if 'pip install transformers' in str(error):  # by a RuntimeError
            raise ImportError(
                f'{what} has a text tower of Hugging Face, '
                'which needs its package: pip install '
                'transformers'
            ) from error
        raise ValueError(
            f'{what} does not fit open_clip '
            f'{open_clip.__version__}: {type(error).__name__}: '
            f'{_first_lines(error)}'
        ) from error


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
            f'{_first_lines(error)}'
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
            f'{_first_lines(error).rstrip(".")}. Without a network, put the file on '
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


def arch_name(arch: Arch) -> str:
    """What to call an architecture in a message."""
    return repr(arch) if isinstance(arch, str) else 'the given dict'


def _first_lines(error: Exception, count: int = 6) -> str:
    return '\n'.join(str(error).splitlines()[:count])
