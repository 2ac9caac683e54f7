"""Where the files lie that travel with a package: its configs and tools.

OpenMMLab's packages, and this one, carry them in the folder ``.mim`` of what
is installed; in a source checkout they lie beside the package.
"""

import difflib
import functools
import glob
import importlib.util
import os.path as osp
import re

from .errors import did_you_mean
from .moved_configs import find_moved_config

# CLIP as it was pretrained: for any classes, without training.
DEFAULT_CONFIG = 'bike_vitb16_vcs_k400'
# Of a data folder: the model that was trained on it, and its weights.
MODEL_FOLDER, WEIGHTS = 'model', 'model.pth'
# Of a shared model, which `save_pretrained` writes: its config, its weights, or
# the list of the files with its weights.
SHARED_CONFIG, SHARED_WEIGHTS = 'bike_config.json', 'model.safetensors'
SHARED_INDEX = f'{SHARED_WEIGHTS}.index.json'
# Its trainings, a folder for each way to tune, with the scores of a part.
RUNS, SCORES = 'runs', '{}_scores.npz'
FROZEN, LORA, FULL = WAYS = ('frozen', 'lora', 'full')
SAMPLES = 8  # that are embedded of each training video, all that augments it
PRETRAINED = 'pretrained'  # a checkpoint's name: what the config names itself
# As open_clip writes them: the begin of names of repositories of the Hub, and of
# folders, and the file in these that describes a CLIP.
HUB, LOCAL, CLIP_CONFIG = 'hf-hub:', 'local-dir:', 'open_clip_config.json'
SCOPE = 'bike_mmaction::'  # begins the name of a shipped config in `_base_`
_OWN = osp.dirname(osp.abspath(__file__))


def places(package: str) -> tuple[str, str]:
    """The folders in which ``configs`` and ``tools`` of a package may lie.

    Args:
        package (str): Its own folder.
    """
    return osp.join(package, '.mim'), osp.dirname(package)


def find_shipped(*path: str) -> str:
    """Path of what travels with this package: below ``configs``, ``tools``.

    Raises:
        FileNotFoundError: if it is in none of the places.
    """
    for place in places(_OWN):
        if osp.exists(osp.join(place, *path)):
            return osp.join(place, *path)
    raise FileNotFoundError(
        f"'{osp.join(*path)}' is neither in '{_OWN}/.mim' nor beside '{_OWN}'"
    )


def shipped_configs() -> dict[str, str]:
    """Paths of the shipped configs by their bare names, such as
    'bike_vitl14_k400'; without the bases."""
    folder = find_shipped('configs')
    paths = glob.glob(osp.join(glob.escape(folder), '**', '*.py'), recursive=True)
    return {
        osp.splitext(osp.basename(path))[0]: path
        for path in sorted(paths)
        if '_base_' not in osp.relpath(path, folder)
    }


def find_config(name: str) -> str:
    """Path of a config file, or of a shipped config by its bare name.

    Args:
        name (str): Such as 'my/config.py', or 'bike_vitl14_k400'; or a folder
            with a ``config.py``, such as `bike data` writes.

    Raises:
        FileNotFoundError: if there is none of them, names the nearest; or if it
            is a shared model, see :func:`find_shared`.
    """
    if find_shared(name):
        raise FileNotFoundError(
            f"'{name}' is a shared model, to recognize with (bike infer, label, "
            'embed, search, web, export); its config is no program, and trains nothing'
        )
    if osp.isfile(osp.join(name, 'config.py')):
        return osp.join(name, 'config.py')
    if osp.isfile(name) or find_moved_config(name):
        return name
    if osp.basename(name) != name and not osp.isdir(name):
        raise FileNotFoundError(f"config '{name}' does not exist")
    configs = shipped_configs()
    bare = name[: -len('.py')] if name.endswith('.py') else name
    if bare in configs:
        return configs[bare]
    old = find_shipped('configs')
    if find_moved_config(osp.join(old, f'{bare}.py')):  # a twin for extracted frames
        return osp.join(old, f'{bare}.py')
    if osp.isdir(name):
        raise FileNotFoundError(
            f"'{name}' is a folder without a config.py; if it has clips, `bike data "
            f'{name} --out FOLDER` makes one'
        )
    nearby = [*configs, *map(osp.dirname, glob.glob('*/config.py'))]
    raise FileNotFoundError(
        f"'{name}' is neither a config file nor the name of a shipped config"
        f', nor a folder that `bike data` has made{did_you_mean(bare, nearby)}'
    )


def find_model(config: str, checkpoint: str = PRETRAINED) -> tuple[str, str]:
    """Config and checkpoint that a user means.

    Args:
        config (str): See :func:`find_config`; or a folder that `bike train`
            has written a model to, or a shared model, which bring their checkpoint.
        checkpoint (str): Another one. Defaults to 'pretrained'.

    Raises:
        FileNotFoundError: as :func:`find_config`.
    """
    shared = find_shared(config)
    if shared:  # before all else, as it runs no code
        is_own = checkpoint == PRETRAINED
        return shared, shared_weights(shared) if is_own else checkpoint
    if checkpoint == PRETRAINED:
        for folder in (osp.join(config, MODEL_FOLDER), config):
            if osp.isfile(osp.join(folder, WEIGHTS)):
                return find_config(folder), osp.join(folder, WEIGHTS)
    return find_config(config), checkpoint


def find_shared(name: str) -> str:
    """Path of the config of a shared model, which is data alone; '' if it is none.

    MMEngine must never read it: it would import and run what a config names.

    Args:
        name (str): Of its folder, or of the config itself.
    """
    path = (
        name if osp.basename(name) == SHARED_CONFIG else osp.join(name, SHARED_CONFIG)
    )
    return path if osp.isfile(path) else ''


def shared_weights(config: str) -> str:
    """Path of the weights of a shared model, or of their index.

    Args:
        config (str): Path of its config.
    """
    index = osp.join(osp.dirname(config), SHARED_INDEX)
    return index if osp.isfile(index) else index[: -len('.index.json')]


def name_of_shipped(path: str) -> str:
    """The bare name of a shipped config by its path; '' if it is none."""
    name = osp.splitext(osp.basename(path))[0]
    own = shipped_configs().get(name)
    return name if own and osp.realpath(own) == osp.realpath(path) else ''


def find_shipped_bases() -> None:
    """Let configs begin with shipped ones: ``_base_ = 'bike_mmaction::NAME'``.

    Wherever this package is installed, as MMEngine has it for those of
    OpenMMLab. Called when the package is imported.
    """
    from mmengine.config import Config  # slow, and not needed to look names up

    original = Config._get_cfg_path
    if hasattr(original, '__wrapped__'):
        return

    @functools.wraps(original)
    def get_cfg_path(cfg_path: str, filename: str) -> tuple:
        if cfg_path.startswith(SCOPE):
            return find_config(cfg_path[len(SCOPE) :]), None
        return original(cfg_path, filename)

    Config._get_cfg_path = staticmethod(get_cfg_path)


def find_mmaction_tool(name: str) -> str:
    """Path of a tool of the installed MMAction2.

    Args:
        name (str): Path below its tools, with ``.py`` or without.

    Raises:
        FileNotFoundError: if there is none; names the folders.
    """
    folders = _mmaction_folders()
    for folder in folders:
        path = osp.join(folder, f'{osp.splitext(name)[0]}.py')
        if osp.isfile(path):
            return path
    near = difflib.get_close_matches(osp.splitext(name)[0], mmaction_tools(), 1)
    raise FileNotFoundError(
        f"MMAction2's tool '{osp.splitext(name)[0]}.py' is in none of {folders}"
        + (f"; did you mean '{near[0]}'? If not," if near else ';')
        + ' see what is there, or reinstall it with: '
        'pip install --force-reinstall --no-deps mmaction2==1.2.0'
    )


def mmaction_tools() -> list[str]:
    """Names of MMAction2's tools that read arguments: paths without ``.py``."""
    return sorted(
        osp.splitext(osp.relpath(path, folder))[0]
        for folder in _mmaction_folders()
        for path in glob.glob(osp.join(glob.escape(folder), '**/*.py'), recursive=True)
        if _reads_arguments(path)
    )


def _reads_arguments(path: str) -> bool:
    with open(path, encoding='utf-8', errors='replace') as file:
        return bool(re.search(r'^import argparse|^from argparse', file.read(), re.M))


def find_mmaction_config(name: str) -> str:
    """Path of a config of the installed MMAction2, or of one as :func:`find_config`.

    Args:
        name (str): Its path, or its bare name in whatever folder of MMAction2.

    Raises:
        FileNotFoundError: if there is none; names the nearest.
    """
    configs = {
        osp.splitext(osp.basename(path))[0]: path
        for folder in _mmaction_folders('configs')
        for path in glob.glob(osp.join(glob.escape(folder), '**/*.py'), recursive=True)
    }
    bare = name[: -len('.py')] if name.endswith('.py') else name
    if bare in configs:
        return configs[bare]
    try:
        return find_config(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"'{name}' is neither a config file nor the name of a config of MMAction2 "
            f'or of this package{did_you_mean(bare, [*configs, *shipped_configs()])}'
        ) from error


def _mmaction_folders(kind: str = 'tools') -> list[str]:
    """Where MMAction2's tools or configs may lie; it is not imported for that."""
    spec = importlib.util.find_spec('mmaction')
    if spec is None or spec.origin is None:
        raise FileNotFoundError('MMAction2 is not installed: pip install mmaction2')
    return [osp.join(place, kind) for place in places(osp.dirname(spec.origin))]
