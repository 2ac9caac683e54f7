"""MMAction2's own command-line tools, run with additions."""

import argparse
import importlib.util
import os.path as osp
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.config import config as _CONFIG

from ..apis.hub.reading import read_shared
from ..checkpoint import allow_own_types
from ..compat.mmaction2_lists import names_are_text
from ..datasets.frame_names import frame_numbers
from ..evaluation.dump_files import dumps_are_data
from ..recipes import use_rawframes
from ..shipped import find_config, find_mmaction_tool, find_shared


def read_config_file(path: str, needs_model: bool = True) -> Config:
    """Read a config, and name it in whatever error its content gives.

    Args:
        path (str): A file, a shipped config by its bare name, or a shared model.
        needs_model (bool): Whether it must have one. Defaults to True.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it, or one that it is based on, cannot be read, or if
            it has no model.
    """
    shared = find_shared(path)
    if shared:
        return read_shared(shared)
    path = find_config(path)
    with reading_config(path):
        config = Config.fromfile(path)
    if needs_model and not isinstance(config.get('model'), dict):
        raise ValueError(f"the config '{path}' has no `model`, a dict")
    return config


@contextmanager
def reading_config(path: str) -> Iterator[None]:
    """Name a config, and the line, in whatever error its content gives.

    Raises:
        ValueError: in place of that error.
    """
    try:
        yield
    except Exception as error:  # it is a program of its own
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ValueError(
            f"cannot read the config '{path}'{_place_of(error, path)}: "
            f'{type(error).__name__}: {reason}'
        ) from error


def _place_of(error: Exception, path: str) -> str:
    """The line; and its file, where that is another one than the config."""
    file, line = path, None
    for frame, number in traceback.walk_tb(error.__traceback__):
        name, inner = frame.f_code.co_filename, frame.f_locals.get('filename')
        if frame.f_code.co_name == '<module>':
            file, line = name, number
        elif name == _CONFIG.__file__ and isinstance(inner, str):
            file = inner  # that MMEngine reads just then
    if isinstance(error, SyntaxError):
        line = error.lineno
    place = '' if line is None else f' line {line}'
    return place if osp.realpath(file) == osp.realpath(path) else f": '{file}'{place}"


@contextmanager
def _configs_are_named() -> Iterator[None]:
    """While a tool of MMAction2 reads them."""
    original = Config.fromfile

    def fromfile(filename: Any, *args: Any, **kwargs: Any) -> Config:
        if not osp.isfile(filename):
            return original(filename, *args, **kwargs)  # which says so
        with reading_config(str(filename)):
            return original(filename, *args, **kwargs)

    setattr(Config, 'fromfile', staticmethod(fromfile))  # noqa: B010
    try:
        yield
    finally:
        setattr(Config, 'fromfile', staticmethod(original))  # noqa: B010


def read_frames(cfg, args: argparse.Namespace) -> None:
    """Read extracted frames, if an option says so.

    Args:
        cfg (Config): The config to change, before its ``--cfg-options``.
        args (argparse.Namespace): With the options of
            :func:`.add_frame_arguments`.

    Raises:
        ValueError: if the config reads no video files, or no number is in
            the name of frames.
    """
    if args.frames:
        frame_numbers((), args.frames, '')  # is there a number?
    if args.frames or args.rawframes:
        use_rawframes(cfg, args.frames)


def load_mmaction_tool(name: str) -> Any:
    """Import ``train`` or ``test`` of the installed MMAction2.

    Args:
        name (str): File name without ``.py``.

    Returns:
        ModuleType: With ``parse_args``, ``merge_args`` and ``main``.

    Raises:
        FileNotFoundError: if MMAction2 was installed without its tools.
    """
    path = find_mmaction_tool(name)
    spec = importlib.util.spec_from_file_location(f'mmaction_tools_{name}', path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"'{path}' cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_mmaction_tool(name: str, args: Sequence[str]) -> None:
    """Run any tool of MMAction2 as a program, where BIKE is known already.

    Its ``torch.load`` reads what mmengine saves, as the runner does here; its
    ``mmengine.load`` runs no code of a dump, and names of classes are read as
    by the commands here.

    Args:
        name (str): Path below its tools, such as
            ``'analysis_tools/confusion_matrix'``, with ``.py`` or without.
        args (Sequence[str]): Its command line.

    Raises:
        FileNotFoundError: if there is no such tool.
    """
    path = find_mmaction_tool(name)
    sys.argv = [path, *args]
    with allow_own_types(), dumps_are_data(), names_are_text(), _configs_are_named():
        runpy.run_path(path, run_name='__main__')


def parse_own_args(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read own options, and leave the others in ``sys.argv`` to MMAction2.

    Kept for one version: the commands here read all arguments at once.

    Args:
        parser (ArgumentParser): With ``add_help=False``.
    """
    own, rest = parser.parse_known_args()
    if {'-h', '--help'} & set(rest):
        print(f'{parser.format_help()}\nand, from MMAction2:\n')
    sys.argv[1:] = rest
    return own
