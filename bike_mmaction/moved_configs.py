"""Old paths of shipped configs, which work for one version.

Each use of one is warned of with the new path. It works for whatever reads a
config after ``bike_mmaction`` was imported.
"""

import functools
import importlib
import os.path as osp
import warnings
from typing import Callable

PACKAGE = __name__.rpartition('.')[0]

FINE_TUNED = tuple(
    'activitynet charades k600 hmdb51_split1 hmdb51_split2 hmdb51_split3 '
    'ucf101_split1 ucf101_split2 ucf101_split3'.split()
)
# Of each folder of configs: the names of those that lay elsewhere.
CONFIGS = {
    'ablations': ('bike_vitb32_meanpool_k400',),
    'attributes': tuple(
        'bike_vitb16_attributes_k400 bike_vitb32_attributes_k400 '
        'bike_vitl14_attributes_k400 bike_vitb16_plugplay_k400 '
        'bike_vitb32_plugplay_k400 bike_vitl14_plugplay_k400'.split()
    ),
    'demo': tuple(
        'bike_demo bike_demo_attributes bike_demo_few_shot bike_demo_meanpool '
        'bike_demo_plugplay bike_demo_seen bike_demo_unseen'.split()
    ),
    'finetune': (
        'bike_vitl14_16f_charades_from_clip',
        *(f'bike_vitl14_16f_{name}' for name in FINE_TUNED),
        *(f'bike_vitl14_336_16f_{name}' for name in FINE_TUNED),
    ),
}
HOMES = {name: folder for folder, names in CONFIGS.items() for name in names}
# Configs that had a twin for extracted frames, named like them and this.
TWIN = '_rawframes'
HAD_TWINS = tuple(
    'bike_vitb16_attributes_k400 bike_vitb16_k400 bike_vitb32_attributes_k400 '
    'bike_vitb32_k400 bike_vitb32_meanpool_k400 bike_vitb32_plugplay_k400 '
    'bike_vitl14_16f_k400 bike_vitl14_336_16f_k400 bike_vitl14_336_32f_k400 '
    'bike_vitl14_336_k400 bike_vitl14_attributes_k400 bike_vitl14_k400'.split()
)


def find_moved_config(path: str) -> str:
    """Path of the shipped config that lay at ``path`` before.

    Returns:
        str: '' where there is a file, or none of the shipped configs was.
    """
    path = osp.abspath(osp.expanduser(path))
    folder, file = osp.split(path)
    name, extension = osp.splitext(file)
    if extension != '.py' or osp.isfile(path):
        return ''
    stem = name[: -len(TWIN)] if name.endswith(TWIN) else name
    if stem not in (HOMES if stem == name else HAD_TWINS):
        return ''
    for configs in (folder, osp.dirname(folder)):
        home = osp.join(configs, HOMES.get(stem, ''), f'{stem}.py')
        if osp.isfile(home):
            return home
    return ''


def keep_old_configs() -> None:
    """Let MMEngine read configs by their old paths, also as ``_base_``.

    Called when the package is imported.
    """
    from mmengine.config import Config  # slow, and not needed to look names up

    read, is_lazy = Config._file2dict, Config._is_lazy_import
    if hasattr(read, '__wrapped__'):
        return

    @functools.wraps(read)
    def read_config(filename: str, *args, **kwargs) -> tuple:
        moved = find_moved_config(filename)
        if moved:
            return _read_moved(read, filename, moved, *args, **kwargs)
        return read(filename, *args, **kwargs)

    Config._file2dict = staticmethod(read_config)
    Config._is_lazy_import = staticmethod(
        lambda filename: is_lazy(find_moved_config(filename) or filename)
    )


def _read_moved(read: Callable, old: str, new: str, *args, **kwargs) -> tuple:
    """What was read from ``old``, with a warning; twins read frames."""
    twin = osp.basename(old) != osp.basename(new)
    way = ', with the option --rawframes of the tools' if twin else ''
    warnings.warn(
        f"config '{old}' is now '{new}'{way}; the old path will go with the next "
        'version',
        FutureWarning,
        stacklevel=4,
    )
    cfg, *others = read(new, *args, **kwargs)
    if twin:
        importlib.import_module(f'{PACKAGE}.recipes').use_rawframes(cfg)
        if cfg.get('load_from'):  # a second stage begins with the first one's twin
            stage, epoch = osp.split(cfg['load_from'])
            cfg['load_from'] = f'{stage}{TWIN}/{epoch}'
    return (cfg, *others)
