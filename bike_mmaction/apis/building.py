"""A recognizer from a config and a checkpoint, as a user names them."""

import copy
import logging
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Optional, Union

import torch
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import load_checkpoint

from ..checkpoint.fit import check_complete
from ..models.finite import check_weights
from ..models.recognizer import CLIPRecognizer
from ..models.text_head import TextHead
from ..models.untrained import check_pretrained
from ..models.vcs_head import VCSHead
from ..renamed import old_names
from ..shipped import PRETRAINED, find_config, find_model, find_shared
from .hub.download import local_model
from .hub.reading import read_shared


def read_config(config: Union[str, Config]) -> Config:
    """Read a config, or copy it, so that it can be changed.

    Args:
        config (str | Config): See :func:`find_config`; or a shared model.

    Raises:
        FileNotFoundError: if there is none.
        SharedModelError: if it is of a shared model, which is refused.
    """
    if isinstance(config, str):
        shared = find_shared(config)
        return read_shared(shared) if shared else Config.fromfile(find_config(config))
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
    if isinstance(config, str):
        config, checkpoint = find_model(local_model(config), checkpoint)
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
            check_complete(model, read, checkpoint)
    check_weights(model, f"not finite in '{checkpoint}'")
    model.cfg = config
    return model.eval()


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


def choose_device(device: Optional[str] = None) -> str:
    """A device to compute on.

    Args:
        device (str, optional): Such as 'cpu' or 'cuda:0'. Defaults to None:
            a GPU if there is one.

    Raises:
        ValueError: if there is none of this name.
    """
    device = device or default_device()
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:  # also torch without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(f'device={device!r} cannot be used: {reason}') from error
    return device


def default_device() -> str:
    """A GPU if there is one."""
    return 'cuda:0' if torch.cuda.is_available() else 'cpu'


__getattr__ = old_names(__name__)


def use_lexicon(
    model: ConfigDict, lexicon: Union[str, Sequence[str]], num_attributes: int
) -> None:
    """Change the config of a model: attributes are found in a lexicon.

    Args:
        model (ConfigDict): Is changed.
        lexicon (str | Sequence[str]): See :func:`.load_lexicon`.
        num_attributes (int): Per video.

    Raises:
        ValueError: if it is no :class:`.CLIPRecognizer`.
    """
    if model.get('type') != 'CLIPRecognizer':
        raise ValueError(
            'a lexicon needs a CLIPRecognizer, which associates '
            f"attributes; the config's model is {model.type!r}"
        )
    options = dict(model.get('association') or {})
    options.update(lexicon=lexicon, topk=num_attributes)
    model['association'] = options


def read_association(model: BaseModel, device: str) -> None:
    """Read the weights of what finds attributes, if the model has that.

    Args:
        model (BaseModel): A recognizer.
        device (str): Where to compute.

    Raises:
        ValueError: if the model needs attributes, but has nothing that finds
            them.
    """
    association = getattr(model, 'association', None)
    if association is not None:
        with quiet_logger():
            association.read_weights()
        association.to(device)
    elif isinstance(getattr(model, 'attributes_head', None), TextHead):
        raise ValueError(
            'the model has an attributes branch, but nothing that finds '
            "attributes: name a lexicon, such as 'kinetics400'"
        )
