"""The toolbox's own command-line tools, to run them with additions."""

import argparse
import importlib.util
import inspect
import os.path as osp
import runpy
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import Optional

import mmaction
import torch
from mmengine.runner import Runner

from ..compat import history_buffer_globals, torch_version
from ..datasets.annotation import frame_numbers
from ..recipes import use_rawframes

# What mmengine reads from a config beside the arguments of its Runner.
USED = (
    'auto_scale_lr',
    'compile',
    'custom_imports',
    'dataset_meta',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
    'test_pipeline',
)


def add_frame_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for :func:`read_frames`."""
    parser.add_argument(
        '--rawframes',
        action='store_true',
        help='read extracted frames instead of video files',
    )
    parser.add_argument(
        '--frames',
        metavar='TEMPLATE',
        help='the same, of frames that are called otherwise than the config '
        "expects, such as 'img_{:05}.jpg'",
    )


def read_frames(cfg, args: argparse.Namespace) -> None:
    """Read extracted frames, if an option says so.

    Args:
        cfg (Config): The config to change, before its ``--cfg-options``.
        args (argparse.Namespace): With the options of
            :func:`add_frame_arguments`.

    Raises:
        ValueError: if the config reads no video files, or no number is in
            the name of frames.
    """
    if args.frames:
        frame_numbers((), args.frames, '')  # is there a number?
    if args.frames or args.rawframes:
        use_rawframes(cfg, args.frames)


def find_toolbox_tool(name: str) -> str:
    """Path of a tool of the installed MMAction2.

    Its tools travel inside the package, in ``.mim/tools``, or lie beside it
    in a source checkout.

    Args:
        name (str): Path below its tools, without ``.py``.

    Raises:
        FileNotFoundError: if there is none; names the folders.
    """
    package = osp.dirname(mmaction.__file__)
    folders = [
        osp.join(package, '.mim', 'tools'),
        osp.join(osp.dirname(package), 'tools'),
    ]
    for folder in folders:
        path = osp.join(folder, f'{name}.py')
        if osp.isfile(path):
            return path
    raise FileNotFoundError(
        f"MMAction2's tool '{name}.py' is in none of {folders}; see what is "
        'there, or reinstall it with: '
        'pip install --force-reinstall --no-deps mmaction2==1.2.0'
    )


def load_toolbox_tool(name: str) -> ModuleType:
    """Import ``train`` or ``test`` of the installed MMAction2.

    Args:
        name (str): File name without ``.py``.

    Returns:
        ModuleType: With ``parse_args``, ``merge_args`` and ``main``.

    Raises:
        FileNotFoundError: if MMAction2 was installed without its tools.
    """
    path = find_toolbox_tool(name)
    spec = importlib.util.spec_from_file_location(f'mmaction_tools_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_toolbox_tool(name: str, args: Sequence[str]) -> None:
    """Run any tool of MMAction2 as a program, where BIKE is known already.

    Its ``torch.load`` reads what mmengine saves, as the runner does here.

    Args:
        name (str): Path below its tools, such as
            ``'analysis_tools/confusion_matrix'``, with ``.py`` or without.
        args (Sequence[str]): Its command line.

    Raises:
        FileNotFoundError: if there is no such tool.
    """
    path = find_toolbox_tool(osp.splitext(name)[0])
    sys.argv = [path, *args]
    allowed = (
        nullcontext()
        if torch_version() < (2, 6)
        else torch.serialization.safe_globals(history_buffer_globals())
    )
    with allowed:
        runpy.run_path(path, run_name='__main__')


def parse_own_args(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read own options, and leave the others in ``sys.argv`` to the toolbox.

    Args:
        parser (ArgumentParser): With ``add_help=False``.
    """
    own, rest = parser.parse_known_args()
    if {'-h', '--help'} & set(rest):
        print(f'{parser.format_help()}\nand, from MMAction2:\n')
    sys.argv[1:] = rest
    return own


def check_cfg_options(cfg, options: Optional[dict]) -> None:
    """Refuse ``--cfg-options`` that would change nothing.

    A variable at the top of a config file is used up when the file has been
    read; to assign it later has no effect.

    Args:
        cfg (Config): The config as read from its file.
        options (dict, optional): What the user gave.

    Raises:
        ValueError: naming the variable and what can be set instead.
    """
    used = set(inspect.signature(Runner.__init__).parameters) | set(USED)
    for key in options or {}:
        name = key.split('.')[0]
        if name in used:
            continue
        why = (
            'a variable that the config file has already used'
            if name in cfg
            else 'nothing that a runner reads'
        )
        raise ValueError(
            f"--cfg-options {key}=... would have no effect: '{name}' is "
            f'{why}. Name the option itself, such as '
            'model.backbone.pretrained, train_dataloader.batch_size or '
            'optim_wrapper.optimizer.lr'
        )
