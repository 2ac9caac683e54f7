"""A recognizer from a config and a checkpoint, as a user names them."""

import argparse
import copy
import glob
import logging
import os.path as osp
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Union

import torch
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import load_checkpoint

from ..datasets.class_names import BUILT_IN
from ..datasets.lexicon import IMAGENET
from ..datasets.typed_names import split_names
from ..models.finite import check_weights
from ..models.recognizer import CLIPRecognizer
from ..models.untrained import check_pretrained
from ..models.vcs_head import VCSHead

# CLIP as it was pretrained: for any classes, without training.
DEFAULT_CONFIG = 'bike_vitb16_vcs_k400'
PRETRAINED = 'pretrained'


def find_config(name: str) -> str:
    """Path of a config file, or of a shipped config by its bare name.

    Shipped configs travel inside the package, in ``.mim/configs``, or lie
    beside it in a source checkout.

    Args:
        name (str): Such as 'my/config.py', or 'bike_vitl14_k400'.

    Raises:
        FileNotFoundError: if there is neither.
    """
    if osp.isfile(name):
        return name
    package = osp.dirname(osp.dirname(osp.abspath(__file__)))
    places = (osp.join(package, '.mim'), osp.dirname(package))
    if name == osp.basename(name):
        file = f'{name}.py' if not name.endswith('.py') else name
        for place in places:
            found = glob.glob(
                osp.join(glob.escape(place), 'configs', '**', file), recursive=True
            )
            if found:
                return found[0]
    raise FileNotFoundError(
        f"'{name}' is neither a config file nor the name of a shipped config"
    )


def read_config(config: Union[str, Config]) -> Config:
    """Read a config, or copy it, so that it can be changed.

    Args:
        config (str | Config): See :func:`find_config`.

    Raises:
        FileNotFoundError: if there is none.
    """
    if isinstance(config, str):
        return Config.fromfile(find_config(config))
    return copy.deepcopy(config)


def build_recognizer(
    config: Union[str, Config], checkpoint: str = PRETRAINED
) -> BaseModel:
    """Build a recognizer and read its weights, on the CPU.

    Args:
        config (str | Config): See :func:`find_config`.
        checkpoint (str): A checkpoint, or 'pretrained': the weights that the
            config names, without training. Defaults to the latter.

    Returns:
        BaseModel: In evaluation mode, with its config as ``cfg``.

    Raises:
        FileNotFoundError: if there is no such config or checkpoint.
        RuntimeError: if the checkpoint does not fit, or holds NaN or
            infinite weights.
        ValueError: if without checkpoint some weights of a model with a
            :class:`.VCSHead` would be random; names the parts.
    """
    register_all_modules()
    config = read_config(config)
    model = MODELS.build(config.model)
    if checkpoint == PRETRAINED:
        # Before anything is downloaded. Other heads are refused elsewhere.
        if isinstance(getattr(model, 'cls_head', None), VCSHead):
            check_pretrained(model)
        with quiet_logger():
            model.init_weights()
    else:
        read = load_checkpoint(model, checkpoint, map_location='cpu')
        if not isinstance(model, CLIPRecognizer):  # which has checked it
            _check_loaded(model, read, checkpoint)
    check_weights(model, f"not finite in '{checkpoint}'")
    model.cfg = config
    return model.eval()


def _check_loaded(model: BaseModel, read: dict, path: str) -> None:
    """Refuse a checkpoint that leaves weights random, which is only logged."""
    given = {
        name[len('module.') :] if name.startswith('module.') else name: value
        for name, value in read.get('state_dict', read).items()
    }
    left = [
        name
        for name, value in model.state_dict().items()
        if name not in given or given[name].shape != value.shape
    ]
    if left:
        raise RuntimeError(
            f"'{path}' does not fit this {type(model).__name__}: "
            f'{len(left)} of its tensors are absent or of another shape, '
            f"such as '{left[0]}', and would be random"
        )


@contextmanager
def quiet_logger():
    """Only warnings: mmengine logs every tensor that it initializes."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def default_device() -> str:
    """A GPU if there is one."""
    return 'cuda:0' if torch.cuda.is_available() else 'cpu'


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of tools that make a :class:`.BIKEInferencer`."""
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


def read_classes(text: str) -> Union[str, Sequence[str]]:
    """Class names as typed.

    Args:
        text (str): A file or a built-in list; or names, see
            :func:`.split_names`.

    Returns:
        str | list[str]: Where they are, or the names.

    Raises:
        ValueError: as :func:`.split_names`.
    """
    if text in (*BUILT_IN, IMAGENET) or osp.isfile(text):
        return text
    names = split_names(text)
    is_file = osp.sep in text or text.endswith(('.txt', '.csv'))
    if is_file and names == [text.strip()]:
        return text  # a file that is absent, which will be told
    return names
