"""Arguments that several commands share."""

import argparse
import os
import os.path as osp
from typing import Optional, Union

from mmengine.config import DictAction

from ..apis.hub.download import local_model
from ..datasets.class_names import BUILT_IN, load_class_names
from ..datasets.lexicon import IMAGENET
from ..datasets.prompts import load_prompts
from ..datasets.typed_names import read_classes
from ..datasets.views import parse_views
from ..files import require_file
from ..shipped import DEFAULT_CONFIG, PRETRAINED, find_model
from ..video.workers import TIME_LIMIT
from .values import check_pretrained, checked, count, limit, positive, share

DUMP_SUFFIXES = ('.pkl', '.pickle', '.npz')  # those of evaluation.dump_files
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')

VIEWS = (
    'parts of each video, whose scores are averaged: temporal clips x spatial '
    'crops, such as 1x1, 4x1 or 4x3, or densely sampled 10x3d'
)
Parser = Union[argparse.ArgumentParser, argparse._ArgumentGroup]  # take arguments


def add_model_arguments(parser: Parser) -> None:
    """Options of commands that make a :class:`.BIKEInferencer`."""
    add_model_choice(parser)
    add_reading_arguments(parser)


def add_reading_arguments(parser: Parser) -> None:
    """Of these options all but which model it is."""
    parser.add_argument(
        '--classes',
        help='names, separated by commas (those with commas in quotes: '
        '"a dog,\'playing, loudly\',yoga"); a file with a name a line or in '
        f'the form id,name; or one of {", ".join(BUILT_IN)} '
        '(default: those of the config)',
    )
    parser.add_argument(
        '--lexicon',
        help='find attributes, which are phrases that describe a video, among '
        'these: as --classes, or imagenet1k',
    )
    parser.add_argument('--views', help=f'{VIEWS} (default: as the config tests)')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    add_time_limit(parser)


def add_model_choice(parser: Parser, index: bool = False, many: bool = False) -> None:
    """Options of which model it is.

    Args:
        parser (Parser): Is changed.
        index (bool): Whether an index may know it. Defaults to False.
        many (bool): Whether there may be several. Defaults to False.
    """
    action, of_index = 'append' if many else 'store', 'that of the index'
    known = f'{of_index}, or else {DEFAULT_CONFIG}' if many else of_index
    parser.add_argument(
        '--config',
        action=action,
        default=None if index else DEFAULT_CONFIG,
        help='a file, a shipped config, the folder of a trained or shared model, or '
        f'hf-hub:ORG/NAME (default: {known if index else DEFAULT_CONFIG})',
    )
    parser.add_argument(
        '--checkpoint',
        action=action,
        default=None if index else PRETRAINED,
        help="a checkpoint, or 'pretrained': the weights that the config names "
        f'(default{": that of the index" if index and not many else ""})',
    )
    parser.add_argument(
        '--pretrained',
        metavar='FILE',
        help="weights of CLIP, for all towers of the config: OpenAI's .pt, what "
        'open_clip saves, a folder with open_clip_config.json, or hf-hub:org/repo '
        '(default: those that the config names)',
    )


def add_result_arguments(parser: Parser, below: str, window: str) -> None:
    """Options of what is said of each video.

    Args:
        parser (Parser): Is changed.
        below (str): What a confidence below the threshold means.
        window (str): Help of ``--window``.
    """
    parser.add_argument(
        '--topk',
        type=count,
        default=5,
        help='how many classes to name, those of the highest confidence (default: 5)',
    )
    parser.add_argument(
        '--threshold',
        type=share,
        help=f'confidence below which {below} (default: what was chosen for a '
        'trained model and its classes, else 0; 0.5 where a video may have several)',
    )
    parser.add_argument('--window', type=positive, help=window)
    parser.add_argument(
        '--stride',
        type=positive,
        help='from one piece to the next, in seconds (default: half of one)',
    )


def add_time_limit(parser: Parser) -> None:
    """The option ``--time-limit``."""
    parser.add_argument(
        '--time-limit',
        type=limit,
        default=TIME_LIMIT,
        metavar='SECONDS',
        help='for reading a file or a window, in a process of its own; inf: none '
        f'(default: {TIME_LIMIT:g})',
    )


def check_model_arguments(args: argparse.Namespace) -> None:
    """What can be said of :func:`add_model_arguments` before torch is imported.

    Raises:
        FileNotFoundError: if config, checkpoint or weights do not exist.
        ValueError: if such views do not exist, or a shared model cannot be used.
    """
    args.config, args.checkpoint = find_model(local_model(args.config), args.checkpoint)
    check_checkpoint(args.checkpoint)
    check_pretrained(args.pretrained)
    if args.views is not None:
        parse_views(args.views)
    check_names('--classes', args.classes)
    check_names('--lexicon', args.lexicon)


def check_names(option: str, text: Optional[str]) -> None:
    """Refuse names, or a list of them, that cannot be read.

    Raises:
        ValueError: naming the option.
    """
    if text is None or text == IMAGENET:
        return
    try:
        names = read_classes(text)
    except ValueError as error:
        raise ValueError(f'{option}: {error}') from None
    load_class_names(names, option, (IMAGENET, *BUILT_IN))


def check_checkpoint(checkpoint: str) -> None:
    """Refuse a file that does not exist.

    Args:
        checkpoint (str): A file, an address, or 'pretrained'.

    Raises:
        FileNotFoundError: if it is a file and there is none.
    """
    if checkpoint == PRETRAINED or '://' in checkpoint:
        return
    require_file(osp.expanduser(checkpoint), 'checkpoint')


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


def check_folder(option: str, path: Optional[str]) -> None:
    """Refuse a folder that could be neither made nor written to.

    Raises:
        PermissionError: naming the option.
    """
    if not path:
        return
    nearest = osp.abspath(path)
    while not osp.lexists(nearest):
        nearest = osp.dirname(nearest)
    if not osp.isdir(nearest) or not os.access(nearest, os.W_OK):
        raise PermissionError(
            f"{option}: cannot write to '{path}': '{nearest}' is no folder, or not "
            'writable'
        )


def check_output(option: str, path: Optional[str]) -> None:
    """Refuse a file that could not be written, though its folder is made.

    Raises:
        IsADirectoryError: if it is a folder.
        PermissionError: as :func:`check_folder`.
    """
    if not path:
        return
    if osp.isdir(path):
        raise IsADirectoryError(f"{option}: '{path}' is a folder, name a file in it")
    check_folder(option, osp.dirname(osp.abspath(path)))


def check_input(option: str, path: Optional[str]) -> None:
    """Refuse a file or folder that does not exist.

    Raises:
        FileNotFoundError: naming the option.
    """
    if path and not osp.exists(path):
        raise FileNotFoundError(f"{option}: '{path}' does not exist")


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
        help=f'{VIEWS} (default: as the config tests)',
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
        type=share,
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
