"""Old names of modules, functions, classes and configs; they work for one version.

Each use of one is warned of with the new name. Whoever renames or moves
something public adds it to a table here, and removes it a version later.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import warnings
from functools import wraps
from typing import Any, Callable, TypeVar

PACKAGE = __name__.rpartition('.')[0]

# Of each module that is gone: the modules that have its names now.
MODULES = {
    'apis.batches': ('apis.inference.batches',),
    'apis.branches': ('recipes',),
    'apis.inferencer': ('apis.inference.inferencer',),
    'apis.mistakes': ('cli.mistakes', 'cli.mmaction_tools'),
    'apis.protocols': ('recipes',),
    'apis.pictures': ('apis.inference.pictures',),
    'apis.recognition': ('apis.inference.recognition',),
    'apis.reproduction': ('reproduction', 'reproduction.rows', 'shipped'),
    'apis.reproduction.index': ('reproduction.index', 'reproduction.rows', 'shipped'),
    'apis.sources': ('apis.inference.sources',),
    'apis.streams': ('apis.inference.streams', 'files'),
    'apis.testing': ('cli.testing', 'cli.arguments'),
    'apis.toolbox': (
        'shipped',
        'cli.mmaction_tools',
        'cli.arguments',
        'recipes.options',
    ),
    'apis.web': ('web.page', 'web.text'),
    'models.clip_image': ('models.clip.image_encoder',),
    'models.clip_text': ('models.clip.text_encoder',),
    'models.clip_tower': ('models.clip.tower',),
    'models.lora': ('models.clip.lora',),
    'models.pretrained': ('models.clip.architectures', 'models.clip.weights'),
    'models.tokens': ('models.clip.tokens',),
    'models.word_positions': ('models.clip.word_positions',),
    'compat_tools': (
        'compat.mmaction2_tools',
        'compat.mmengine',
        'visualization.backend',
    ),
    'datasets.text_files': ('text_files',),
    'datasets.pipelines': (
        'recipes',
        'recipes.images',
        'datasets.pipeline_access',
        'datasets.views',
    ),
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
    'datasets.attribute_file': {'EXTENSIONS': 'files'},
    'datasets.views': {'set_views': 'recipes', 'use_dense_sampling': 'recipes'},
    'checkpoint': {'StateDict': 'checkpoint.fit'},
    'models.recognizer': {'BRANCHES': 'models.branches'},
    'models.text_head': {'number_of_classes': 'models.wrappers'},
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
    if folder in MODULES and name not in MODULES:  # a file of a package that has moved
        home = f'{MODULES[folder][0]}.{file}'
        return (home,) if importlib.util.find_spec(f'{PACKAGE}.{home}') else ()
    return MODULES.get(name, ())


def keep_old_modules() -> None:
    """Let old modules be imported; called when the package is imported."""
    if not any(isinstance(finder, _OldModules) for finder in sys.meta_path):
        sys.meta_path.append(_OldModules())
