"""open_clip's architectures, and their towers with random weights."""

import os.path as osp
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Optional, Union

import open_clip
import torch.nn as nn
from huggingface_hub import try_to_load_from_cache
from open_clip.hf_configs import arch_dict
from open_clip.model import (
    CLIPTextCfg,
    CLIPVisionCfg,
    _build_text_tower,
    _build_vision_tower,
)

from ...shipped import CLIP_CONFIG, HUB, LOCAL
from ...text_files import read_json
from .hugging_face import TOWER_CURE, hugging_face_fault, unknown_type

Arch = Union[str, dict]
PARTS = ('vision_cfg', 'text_cfg')
_ASKED: set[str] = set()  # of the Hub, in this process
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
        arch (str | dict): Model name of open_clip; 'hf-hub:org/repo' or
            'local-dir:FOLDER', with an ``open_clip_config.json``; or such a
            dict. A repository's config, and nothing else of it, is downloaded
            and cached by open_clip.

    Returns:
        dict: A copy, which downloads no weights of its towers.

    Raises:
        ValueError: if the name is unknown, or the dict lacks a key or has
            one that open_clip does not know.
    """
    if not isinstance(arch, (str, dict)):
        raise ValueError(f'arch={arch!r}: expected a name or a dict')
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
    _check_sizes(config)
    if config['vision_cfg'].get('timm_model_name'):
        config['vision_cfg']['timm_model_pretrained'] = False
    if config['text_cfg'].get('hf_model_name'):
        config['text_cfg']['hf_model_pretrained'] = False
    return config


def _check_sizes(config: dict) -> None:
    """Those that are needed before a tower is built."""
    vision, text = config['vision_cfg'], config['text_cfg']
    for key, value in (
        ('embed_dim', config['embed_dim']),
        ('vision_cfg.image_size', vision.get('image_size', 1)),
        ('text_cfg.width', text.get('width', 1)),
    ):
        is_pair = isinstance(value, (list, tuple)) and len(value) == 2
        sides = value if is_pair and key == 'vision_cfg.image_size' else [value]
        if not all(isinstance(side, int) and side > 0 for side in sides):
            raise ValueError(f'arch.{key}={value!r}: expected a positive number')


def _read_arch(name: str) -> dict:
    try:
        if name.startswith(LOCAL):
            content = read_json(osp.join(folder_of(name), CLIP_CONFIG))
            config = content.get('model_cfg', content)
        elif name.startswith(HUB):
            config = _read_of_hub(name)
        else:
            config = open_clip.get_model_config(name)
    except Exception as error:  # of a folder, or of the Hub
        raise ValueError(
            f"arch='{name}' cannot be read: {first_lines(error)}"
        ) from error
    if config is None:
        known = {model.lower(): model for model in open_clip.list_models()}
        close = get_close_matches(name.lower().replace('/', '-'), known, 8)
        near = [known[model] for model in close]
        raise ValueError(
            f"arch='{name}' is not a model of open_clip "
            f'{open_clip.__version__}. Similar names: '
            f'{near or open_clip.list_models()[:10]}'
        )
    is_whole = isinstance(config, dict) and all(
        isinstance(config.get(part), dict) for part in PARTS
    )
    if not is_whole:
        raise ValueError(
            f"arch='{name}' is no architecture: expected a 'model_cfg' in its "
            f'{CLIP_CONFIG}, with {" and ".join(map(repr, PARTS))}, which are objects'
        )
    return config


def _read_of_hub(name: str) -> dict:
    """The architecture of a repository; the Hub is asked once in a process."""
    path = try_to_load_from_cache(name[len(HUB) :], CLIP_CONFIG)
    if name in _ASKED and isinstance(path, str):
        content = read_json(path)
        return content.get('model_cfg', content)
    config = open_clip.get_model_config(name)
    _ASKED.add(name)
    return config


def has_own_weights(arch: Arch) -> bool:
    """Whether it names a place that has weights too.

    ``pretrained`` may then be the same name.
    """
    return isinstance(arch, str) and arch.startswith((HUB, LOCAL))


def folder_of(name: str) -> str:
    """The folder that 'local-dir:FOLDER' names, or that is named alone."""
    return osp.expanduser(name[len(LOCAL) :] if name.startswith(LOCAL) else name)


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
    """As :func:`build_image_tower`, the text tower.

    Raises:
        ImportError: if it needs a package that is missing.
        RuntimeError: if the config of a tower of Hugging Face cannot be read.
        ValueError: if it does not fit open_clip.
    """
    config = get_arch(arch)
    text_cfg = config['text_cfg']
    with _explained(arch, 'text_cfg', text_cfg.get('hf_model_name')):
        tower = _build_text_tower(
            config['embed_dim'], text_cfg, config.get('quick_gelu', False)
        )
        _check_text_tower(tower, text_cfg)
    return tower


def _check_text_tower(tower: Any, text_cfg: dict) -> None:
    """Raise ValueError for options with which a forward would fail."""
    length = text_cfg.get('context_length', CONTEXT)
    if text_cfg.get('pool_type') == 'none':
        raise ValueError("pool_type='none' gives no embedding of a sentence")
    if not text_cfg.get('hf_model_name'):
        return
    if 0 < tower.context_length < length:
        raise ValueError(
            f'context_length={length}, but the tower has '
            f'{tower.context_length} positions'
        )
    if not hasattr(tower, 'proj'):
        raise ValueError(
            f'hf_proj_type={text_cfg.get("hf_proj_type")!r} makes no projection to '
            "embed_dim; use 'linear' or 'mlp'"
        )
    if text_cfg.get('hf_pooler_type') == 'max_pooler':  # masks by integers
        raise ValueError(
            "hf_pooler_type='max_pooler' fails in open_clip; use 'mean_pooler', "
            "'cls_pooler' or 'cls_last_hidden_state_pooler'"
        )


@contextmanager
def _explained(arch: Arch, key: str, hugging_face: Optional[str] = None):
    """What fails in open_clip is a fault of the architecture."""
    try:
        yield
    except Exception as error:
        what = f'{key} of arch={arch_name(arch)}'
        if hugging_face:
            tower = f"the text tower '{hugging_face}' ({what})"
            fault = hugging_face_fault(tower, hugging_face, error, TOWER_CURE)
            if fault is not None:
                raise fault from error
            if unknown_type(hugging_face):
                raise ValueError(
                    f"{tower} is of the type '{unknown_type(hugging_face)}', but "
                    f'open_clip {open_clip.__version__} has text towers of '
                    f'{sorted(arch_dict)} only'
                ) from error
        raise ValueError(
            f'{what} does not fit open_clip '
            f'{open_clip.__version__}: {type(error).__name__}: '
            f'{first_lines(error)}'
        ) from error


def arch_name(arch: Arch) -> str:
    """What to call an architecture in a message."""
    return repr(arch) if isinstance(arch, str) else 'the given dict'


def first_lines(error: Exception, count: int = 6) -> str:
    """The beginning of what another package says of a fault."""
    return '\n'.join(str(error).splitlines()[:count])
