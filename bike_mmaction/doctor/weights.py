"""Whether the weights that a config loads are at hand."""

import os
import os.path as osp
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import open_clip
from huggingface_hub import try_to_load_from_cache
from mmengine.config import Config

from ..models.clip.weight_files import is_folder
from ..shipped import HUB
from .findings import ERROR, OK, WARNING, Finding
from .machine import OFFLINE, weight_folders

# Names that open_clip gives to files without a name of their own.
_DEFAULTS = ('open_clip_pytorch_model.bin', 'open_clip_model.safetensors')


def weights(cfg: Config) -> Iterator[Finding]:
    """A finding for each key that names some."""
    asked = dict(_named(cfg.model, 'model'))
    if cfg.get('load_from'):
        asked['load_from'] = (None, cfg.load_from)
    for key, (arch, name) in asked.items():
        yield _finding(key, name, is_at_hand(arch, name))


def _finding(key: str, name: str, at_hand: Optional[bool]) -> Finding:
    offline = [v for v in OFFLINE if os.environ.get(v, '0') not in ('', '0')]
    cure = f'--cfg-options {key}=FILE'
    if at_hand:
        return Finding('weights', OK, f"{key}: '{name}' is at hand")
    if at_hand is None:
        text = f"{key}: there is no file '{name}', nor weights of this name"
        return Finding('weights', ERROR, text, cure)
    if offline:
        text = f"{key}: '{name}' is not here, and {offline[0]} forbids a download"
        return Finding('weights', ERROR, text, f'unset {offline[0]}, or {cure}')
    text = f"{key}: '{name}' is not here yet, and will be downloaded"
    return Finding('weights', WARNING, text, f'where there is no network, {cure}')


def is_at_hand(arch: Any, name: str) -> Optional[bool]:
    """Whether weights can be loaded without a download.

    Args:
        arch: Of a CLIP's tower, as its config says; None for other models.
        name (str): File, address, tag of open_clip, folder or repository.

    Returns:
        bool | None: None if there is neither a file nor a tag of this name.
    """
    if osp.isfile(osp.expanduser(name)) or is_folder(name):
        return True
    if name.startswith(HUB):
        return _in_cache(name[len(HUB) :], _DEFAULTS)
    if '://' in name:
        files = [osp.join(f, osp.basename(name)) for f in weight_folders()]
        return any(map(osp.isfile, files))
    config = open_clip.get_pretrained_cfg(arch, name) if isinstance(arch, str) else None
    if not config:
        return None
    repository, file = osp.split(config.get('hf_hub') or '')
    files = [osp.expanduser(f'~/.cache/clip/{osp.basename(config.get("url") or "-")}')]
    if repository:
        safe = f'{osp.splitext(file)[0]}.safetensors'
        names = (file, safe, _DEFAULTS[1]) if file else _DEFAULTS
        if _in_cache(repository, names):
            return True
    return any(map(osp.isfile, files))


def _in_cache(repository: str, names: Sequence[str]) -> bool:
    """Whether one of the files of a repository has been downloaded."""
    cached = [try_to_load_from_cache(repository, name) for name in names]
    return any(isinstance(path, str) for path in cached)


def _named(config: Any, place: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """What the parts of a model load: by key, with their architecture."""
    if not isinstance(config, dict):
        return
    if isinstance(config.get('pretrained'), str):
        yield f'{place}.pretrained', (config.get('arch'), config['pretrained'])
    for key, value in config.items():
        if key == 'init_cfg' and isinstance(value, dict) and value.get('checkpoint'):
            yield f'{place}.init_cfg.checkpoint', (None, value['checkpoint'])
        yield from _named(value, f'{place}.{key}')
