"""Which models `bike web` has: those that are named, and that of an index."""

import argparse
import os.path as osp
from typing import Any, Optional

from ..shipped import DEFAULT_CONFIG, MODEL_FOLDER, PRETRAINED
from .arguments import check_model_arguments
from .search import use_model_of


def choose_models(
    parser: argparse.ArgumentParser, args: argparse.Namespace, about: Optional[dict]
) -> dict[str, argparse.Namespace]:
    """The options of each model, by its name for visitors.

    Args:
        parser (ArgumentParser): Tells what is wrong.
        args (Namespace): All options.
        about (dict, optional): What the index says of itself, if there is one.

    Raises:
        OSError, ValueError: as :func:`.check_model_arguments`, or if a model is
            there twice.
    """
    checkpoints, count = args.checkpoint or [], max(1, len(args.config or []))
    if checkpoints and len(checkpoints) != count:
        parser.error(
            f'there are {len(checkpoints)} --checkpoint for {count} --config: give one '
            "for each, in their order; 'pretrained' for a model that brings its own"
        )
    if about is not None and not args.config:
        model = model_of_index(args, about, checkpoints[0] if checkpoints else None)
        return {name_of(model.config): model}
    configs = args.config or [DEFAULT_CONFIG]
    models = [
        _with(args, config=config, checkpoint=checkpoint)
        for config, checkpoint in zip(configs, checkpoints or [PRETRAINED] * count)
    ]
    for model in models:
        check_model_arguments(model)
    short = [name_of(config) for config in configs]
    with_weights = [
        f'{name_of(m.config)}, {osp.basename(m.checkpoint)}' for m in models
    ]
    for names in (short, configs, with_weights):
        if len(set(names)) == count:
            return dict(zip(names, models))
    raise ValueError('a --config is given twice, with the same --checkpoint')


def model_of_index(
    args: argparse.Namespace, about: dict, checkpoint: Optional[str] = None
) -> argparse.Namespace:
    """The options of the model that made an index; where its config is no longer
    there, of the first that is named.

    Raises:
        OSError, ValueError: as :func:`.check_model_arguments`, or if there is none.
    """
    model = _with(args, config=None, checkpoint=checkpoint)
    try:
        use_model_of(about, model)
    except FileNotFoundError:
        if not args.config:
            raise
        model.config = args.config[0]
        model.checkpoint = (args.checkpoint or [None])[0]
    model.checkpoint = model.checkpoint or PRETRAINED
    check_model_arguments(model)
    return model


def name_of(config: str) -> str:
    """A short name of a model: that of its config, or of its data folder."""
    path = osp.abspath(config)
    folder, name = osp.split(path)
    if name == 'config.py':
        folder, name = osp.split(folder)
    if name == MODEL_FOLDER:
        name = osp.basename(folder)
    return osp.splitext(name)[0] if name.endswith('.py') else name


def is_same(one: argparse.Namespace, other: argparse.Namespace) -> bool:
    """Whether two are the same model."""
    return _weights(one) == _weights(other)


def _weights(model: argparse.Namespace) -> tuple:
    files = model.config, model.checkpoint, model.pretrained or ''
    return tuple(osp.realpath(file) for file in files)


def _with(args: argparse.Namespace, **changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(args), **changes})
