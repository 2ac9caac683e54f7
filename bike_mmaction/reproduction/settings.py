"""How a table is reproduced, and the configs that follow from it."""

import copy
import json
import os.path as osp
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from ..datasets.class_names import BUILT_IN, HEADS
from ..datasets.pipeline_access import own_dataset
from ..datasets.views import views_of
from ..files import sha256
from ..recipes import set_views, use_rawframes
from ..recipes.options import check_cfg_options
from .index import Index

PRETRAINED = 'pretrained'
# What a training depends on, beside the number of processes.
TRAINED_BY = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'load_from',
    'custom_hooks',
    'randomness',
)


class Settings(NamedTuple):
    """What the user says beside the table.

    Attributes:
        work_dir (str): Where rows are trained and tested.
        data_root (str): In place of the configs' own folder of data; '' for
            that.
        checkpoints (dict[str, str]): Files by the name of the model.
        folders (tuple[str]): Where further checkpoints lie.
        gpus (int): Processes of a training or test. Defaults to 1.
        rawframes (bool): Whether extracted frames are read.
        train (bool): Whether rows are trained though a checkpoint is at hand.
        cfg_options (dict): Of every config, in dotted keys.
    """

    work_dir: str
    data_root: str = ''
    checkpoints: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    gpus: int = 1
    rawframes: bool = False
    train: bool = False
    cfg_options: dict[str, Any] = {}


def parse_checkpoints(
    given: Sequence[str], index: Index
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read ``NAME=FILE`` and folders.

    Returns:
        tuple[dict[str, str], tuple[str]]: Files by the name of the model, and
        the folders.

    Raises:
        OSError: if there is no such file or folder.
        ValueError: if a model is unknown.
    """
    files, folders = {}, []
    for text in given:
        name, _, path = text.partition('=')
        if osp.isdir(text):
            folders.append(text)
        elif not path:
            raise FileNotFoundError(
                f"--checkpoints '{text}' is neither a folder nor NAME=FILE"
            )
        elif name not in index.entries:
            raise ValueError(
                f"--checkpoints {text}: '{name}' is no model of '{index.path}'"
            )
        elif path != PRETRAINED and not osp.isfile(path):
            raise FileNotFoundError(f"--checkpoints {text}: '{path}' does not exist")
        else:
            files[name] = path
    return files, tuple(folders)


def read_config(
    index: Index, name: str, settings: Settings, views: Optional[str] = None
) -> Config:
    """A shipped config with what the user says, and maybe other views.

    Raises:
        ValueError: if an option does not fit; names it.
    """
    cfg = Config.fromfile(index.configs[name])
    check_cfg_options(cfg, settings.cfg_options)
    if settings.rawframes:
        use_rawframes(cfg)
    if views and views != views_of(own_dataset(cfg, 'test')['pipeline']):
        set_views(cfg, views)
    if settings.data_root:
        for key in list(cfg):
            cfg[key] = _moved(cfg[key], index.data_root(name), settings.data_root)
    cfg.merge_from_dict(
        {  # a zero-shot config has no train_dataloader ...
            key: value
            for key, value in settings.cfg_options.items()
            if cfg.get(key.split('.')[0], '') is not None
        }
    )
    return cfg


def _moved(value, old: str, new: str):
    """Paths below one folder as those below another."""
    if isinstance(value, str):
        return new + value[len(old) :] if value.startswith(f'{old}/') else value
    if isinstance(value, dict):
        for key in value:
            value[key] = _moved(value[key], old, new)
    elif isinstance(value, (list, tuple)):
        return type(value)(_moved(item, old, new) for item in value)
    return value


def training_config(
    index: Index, name: str, settings: Settings, start: Optional[str]
) -> Config:
    """The config that trains a model, with the authors' total batch.

    Args:
        index (Index): Of the model.
        name (str): Of the model.
        settings (Settings): Of the user.
        start (str, optional): Checkpoint that it starts from.
    """
    cfg = read_config(index, name, settings)
    if start:
        cfg.load_from = start
    total = total_batch(index, name)
    own = 'train_dataloader.batch_size' in settings.cfg_options
    if not own and total % settings.gpus == 0:
        cfg.train_dataloader.batch_size = total // settings.gpus
    return cfg


def total_batch(index: Index, name: str) -> int:
    """Videos a training step, over all GPUs, as the index says."""
    metadata = index.entries[name]['Metadata']
    processes = re.match(r'\d+', metadata['Training Resources'])  # such as '8 GPUs'
    return metadata['Batch Size'] * int(processes[0] if processes else 1)


def recipe_of(cfg: Config, gpus: int) -> dict:
    """What a training depends on, beside files and number of processes."""
    parts = copy.deepcopy({key: cfg.get(key) for key in TRAINED_BY})
    loader = parts['train_dataloader']
    loader['batch_size'] *= gpus
    for key in ('num_workers', 'persistent_workers', 'pin_memory'):
        loader.pop(key, None)
    return parts


def digest(content) -> str:
    """Of anything that JSON can write."""
    text = json.dumps(content, sort_keys=True, default=str)
    return sha256(text)[:16]


def checkpoint_bytes(cfg: Config) -> Optional[int]:
    """Size of a training's checkpoint: weights and AdamW's two moments.

    Returns:
        int | None: None where the model cannot be built without data.
    """
    model = copy.deepcopy(cfg.model)
    for key in HEADS:
        head = model.get(key) or {}
        if head.get('class_names', BUILT_IN[0]) not in BUILT_IN:
            head['class_names'] = [str(number) for number in range(head['num_classes'])]
    try:
        with torch.device('meta'):  # shapes alone
            built = MODELS.build(model)
    except Exception:
        return None
    trained = sum(p.numel() for p in built.parameters() if p.requires_grad)
    return 8 * trained + sum(
        t.numel() * t.element_size() for t in built.state_dict().values()
    )


def kept_checkpoints(cfg: Config) -> int:
    """How many a training keeps: the last ones, and the best."""
    hook = cfg.default_hooks.checkpoint
    epochs = cfg.train_cfg.max_epochs
    saved = -(-epochs // hook.get('interval', 1))
    last = hook.get('max_keep_ckpts', -1)
    best = hook.get('save_best')
    return (min(last, saved) if last > 0 else saved) + (
        len(best) if isinstance(best, list) else bool(best)
    )


def encoders(cfg: Config) -> list[dict]:
    """The configs of CLIP's towers, wherever they are in the model."""
    towers, rest = [], [cfg.model]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            if 'pretrained' in part:
                towers.append(part)
            rest += part.values()
    return towers
