"""Arguments that several commands share."""

import argparse
import os
import os.path as osp
from typing import Any, Callable, Optional, Union

from mmengine.config import DictAction

from ..datasets.class_names import BUILT_IN, load_class_names
from ..datasets.prompts import load_prompts
from ..datasets.views import parse_views
from ..shipped import DEFAULT_CONFIG, PRETRAINED, find_config
from ..video.workers import TIME_LIMIT

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')

# What takes arguments: a parser, or a group of them.
Parser = Union[argparse.ArgumentParser, argparse._ArgumentGroup]


def add_model_arguments(parser: Parser) -> None:
    """Options of commands that make a :class:`.BIKEInferencer`."""
    parser.add_argument(
        '--config',
        default=DEFAULT_CONFIG,
        help=f'a file or a shipped config (default: {DEFAULT_CONFIG})',
    )
    parser.add_argument(
        '--checkpoint',
        default=PRETRAINED,
        help="a checkpoint, or 'pretrained': the weights that the config\n"
        'names (default)',
    )
    parser.add_argument(
        '--pretrained',
        metavar='FILE',
        help="weights of CLIP, for all towers of the config: OpenAI's .pt, or\n"
        'what open_clip saves (default: those that the config names)',
    )
    parser.add_argument(
        '--classes',
        help='names, separated by commas (those with commas in quotes:\n'
        '"a dog,\'playing, loudly\',yoga"); a file with a name a line or in\n'
        f'the form id,name; or one of {", ".join(BUILT_IN)}\n'
        '(default: those of the config)',
    )
    parser.add_argument(
        '--lexicon',
        help='find attributes among these phrases: as --classes, or\nimagenet1k',
    )
    parser.add_argument('--views', help='such as 4x3 or 10x3d')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    add_time_limit(parser)


def add_time_limit(parser: Parser) -> None:
    """The option ``--time-limit``."""
    parser.add_argument(
        '--time-limit',
        type=_seconds,
        default=TIME_LIMIT,
        metavar='SECONDS',
        help='for reading a file or a window, in a process of its own; inf: none\n'
        f'(default: {TIME_LIMIT:g})',
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f'{text} must be positive')
    return value


def number_of_workers(text: str) -> int:
    """Of processes: 0 or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} must not be negative')
    return value


def check_model_arguments(args: argparse.Namespace) -> None:
    """What can be said of :func:`add_model_arguments` before torch is imported.

    Raises:
        FileNotFoundError: if config, checkpoint or weights do not exist.
        ValueError: if such views do not exist.
    """
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    if args.pretrained is not None and not osp.isfile(args.pretrained):
        raise FileNotFoundError(
            f"--pretrained '{args.pretrained}' does not exist; it must be a file "
            "with CLIP's weights"
        )
    if args.views is not None:
        parse_views(args.views)


def check_checkpoint(checkpoint: str) -> None:
    """Refuse a file that does not exist.

    Args:
        checkpoint (str): A file, an address, or 'pretrained'.

    Raises:
        FileNotFoundError: if it is a file and there is none.
    """
    if checkpoint == PRETRAINED or '://' in checkpoint:
        return
    if not osp.isfile(osp.expanduser(checkpoint)):
        raise FileNotFoundError(f"checkpoint '{checkpoint}' does not exist")


def check_writable(option: str, path: Optional[str]) -> None:
    """Refuse a file that could not be written after the work.

    Raises:
        PermissionError: naming the option.
    """
    if not path:
        return
    folder = osp.dirname(osp.abspath(path))
    if osp.isdir(path) or not os.access(folder, os.W_OK):
        raise PermissionError(
            f"{option}: cannot write '{path}': no such folder, or not writable"
        )


def add_frame_arguments(parser: Parser) -> None:
    """Options for :func:`.read_frames`."""
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


def add_test_arguments(parser: Parser) -> None:
    """Options for :func:`.change_test`."""
    parser.add_argument(
        '--views',
        type=checked(parse_views),
        help='temporal clips x spatial crops of each video, such as 1x1, '
        '4x1 or 4x3, or densely sampled 10x3d; by default as the config says',
    )
    add_frame_arguments(parser)
    parser.add_argument(
        '--class-names',
        metavar='LIST',
        type=checked(load_class_names),
        help='recognize other classes: a built-in list, or a file with a '
        'name a line or in the form id,name',
    )
    parser.add_argument(
        '--prompt',
        type=checked(load_prompts),
        help="other words around the class names, with '{}' for the name; "
        "a file with a prompt a line, or 'actions', makes an ensemble",
    )
    parser.add_argument(
        '--interpolate',
        metavar='WEIGHT',
        type=_weight,
        help='share of the checkpoint, from 0 to 1, in weights between it '
        'and the original CLIP',
    )


def add_cfg_options(parser: Parser, default: Optional[dict] = None) -> None:
    """``--cfg-options``, as MMAction2 has it."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        default=default,
        help='override options of the config, such as train_dataloader.batch_size=8',
    )


def add_launcher(parser: Parser, choices: tuple[str, ...] = LAUNCHERS) -> None:
    """How several processes are started, as MMAction2 has it."""
    parser.add_argument(
        '--launcher', choices=choices, default='none', help='how processes start'
    )


def set_local_rank(rank: int) -> None:
    """As MMAction2's tools do it with ``--local_rank``."""
    os.environ.setdefault('LOCAL_RANK', str(rank))


def checked(read: Callable[[str], Any]) -> Callable[[str], str]:
    """A type of argument: refuses what cannot be read, before any work."""

    def check(text: str) -> str:
        try:
            read(text)
        except (OSError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not in [0, 1]')
    return weight
