"""Old names of modules, functions, classes and configs; they work for one version.

Each use of one is warned of with the new name. Whoever renames or moves
something public adds it to a table here, and removes it a version later.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os.path as osp
import sys
import warnings
from functools import wraps
from typing import Any, Callable, TypeVar

PACKAGE = __name__.rpartition('.')[0]

# Of each module that is gone: the modules that have its names now.
MODULES = {
    'apis.branches': ('recipes',),
    'apis.mistakes': ('cli.mistakes', 'cli.mmaction_tools'),
    'apis.protocols': ('recipes',),
    'apis.reproduction': ('reproduction',),
    'apis.testing': ('cli.testing', 'cli.arguments'),
    'apis.toolbox': (
        'shipped',
        'cli.mmaction_tools',
        'cli.arguments',
        'recipes.options',
    ),
    'apis.web': ('web.page', 'web.text'),
    'models.clip': ('models.clip_image', 'models.clip_text'),
    'compat_tools': (
        'compat.mmaction2_tools',
        'compat.mmengine',
        'visualization.backend',
    ),
    'datasets.pipelines': ('recipes', 'datasets.pipeline_access', 'datasets.views'),
}
# Of modules that have lost some of their names: where these are now.
NAMES: dict[str, dict[str, str]] = {
    'apis': {
        'add_attributes_branch': 'recipes',
        'add_frame_arguments': 'cli.arguments',
        'add_test_arguments': 'cli.arguments',
        'average_tests': 'cli.testing',
        'change_test': 'cli.testing',
        'check_cfg_options': 'recipes.options',
        'few_shot': 'recipes',
        'load_toolbox_tool': 'cli.mmaction_tools',
        'parse_own_args': 'cli.mmaction_tools',
        'read_frames': 'cli.mmaction_tools',
        'use_dataset': 'recipes',
        'zero_shot': 'recipes',
    },
    'apis.building': {
        'DEFAULT_CONFIG': 'shipped',
        'add_model_arguments': 'cli.arguments',
        'find_config': 'shipped',
        'read_classes': 'datasets.typed_names',
    },
    'training': {'set_epochs': 'recipes'},
    'training.schedule': {'set_epochs': 'recipes'},
    'datasets.annotation': {
        'EXTENSIONS': 'files',
        'FrameFolder': 'datasets.video_folders',
        'UnusableEntry': 'datasets.video_folders',
        'VideoFolder': 'datasets.video_folders',
        'frame_numbers': 'datasets.frame_names',
        'is_named': 'files',
        'remark_on_frames': 'datasets.frame_names',
        'without_extension': 'files',
        'write_lines': 'files',
    },
    'models.recognizer': {'BRANCHES': 'models.branches'},
    'models.vcs_head': {
        'concept_spotting': 'models.concept_spotting',
        'frame_saliency': 'models.concept_spotting',
        'to_frames': 'models.frame_features',
    },
    'compat': {
        'PipelineError': 'errors',
        'explain': 'errors',
        'history_buffer_globals': 'checkpoint',
        'patch_toolbox': 'compat.registry',
    },
}
# Of names that are others now, whatever module they are looked for in.
NEW_NAMES = {
    'EXTENSIONS': 'VIDEO_EXTENSIONS',
    'is_named': 'has_extension',
    'without_extension': 'without_video_extension',
    'find_toolbox_tool': 'find_mmaction_tool',
    'load_toolbox_tool': 'load_mmaction_tool',
    'patch_toolbox': 'apply_remedies',
    'run_toolbox_tool': 'run_mmaction_tool',
}


Function = TypeVar('Function', bound=Callable[..., Any])


def old_arguments(**names: str) -> Callable[[Function], Function]:
    """Let a function be called with old names of its arguments.

    Args:
        **names (str): The new name of each old one.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_new_names(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs:
                warnings.warn(
                    f'{function.__qualname__}: the argument {old} is now '
                    f'{names[old]}; the old name will go with the next version',
                    FutureWarning,
                    stacklevel=2,
                )
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return with_new_names  # type: ignore[return-value]

    return decorate


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


def old_names(module: str) -> Callable[[str], object]:
    """``__getattr__`` of a module that has lost some of its names.

    Args:
        module (str): Its ``__name__``, in :data:`NAMES` without the package.
    """
    names = NAMES[module[len(PACKAGE) + 1 :]]

    def __getattr__(name: str) -> object:
        return _find(module, name, (names[name],) if name in names else ())

    return __getattr__


def _find(module: str, name: str, homes: tuple) -> object:
    """What was called ``module.name``, with a warning at the first use."""
    new = NEW_NAMES.get(name, name)
    for home in homes if not name.startswith('__') else ():
        value = getattr(importlib.import_module(f'{PACKAGE}.{home}'), new, None)
        if value is not None:
            warnings.warn(
                f'{module}.{name} is now {PACKAGE}.{home}.{new}; the old name '
                'will go with the next version',
                FutureWarning,
                stacklevel=3,
            )
            setattr(sys.modules[module], name, value)
            return value
    raise AttributeError(f"module '{module}' has no attribute '{name}'")


class _OldModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules that are gone, as far as :data:`MODULES` knows them."""

    def find_spec(self, fullname, path=None, target=None):
        if not _homes(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module) -> None:
        homes = _homes(module.__name__)
        module.__getattr__ = lambda name: _find(module.__name__, name, homes)


def _homes(fullname: str) -> tuple:
    """The modules that have the names of an old one; () if it is not old."""
    package, _, name = fullname.partition('.')
    if package != PACKAGE:
        return ()
    folder, _, file = name.rpartition('.')
    if folder in MODULES:  # a file of a package that has moved
        home = f'{MODULES[folder][0]}.{file}'
        return (home,) if importlib.util.find_spec(f'{PACKAGE}.{home}') else ()
    return MODULES.get(name, ())


def keep_old_modules() -> None:
    """Let old modules be imported; called when the package is imported."""
    if not any(isinstance(finder, _OldModules) for finder in sys.meta_path):
        sys.meta_path.append(_OldModules())


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
