"""Recognizers as the arguments of a command name them."""

import argparse
from typing import Optional

from ..apis import BIKEInferencer, read_classes
from ..datasets.class_names import HEADS
from ..recipes.pretrained import use_pretrained
from .mmaction_tools import read_config_file


def make_inferencer(
    args: argparse.Namespace, workers: Optional[int] = None
) -> BIKEInferencer:
    """An inferencer by the options of :func:`.add_model_arguments`, and --prompt.

    Args:
        args (Namespace): The options.
        workers (int, optional): See :class:`.BIKEInferencer`.

    Raises:
        OSError: if a file does not exist.
        ValueError: if options do not fit the config.
    """
    cfg = read_config_file(args.config)
    if args.pretrained is not None:
        use_pretrained(cfg, args.pretrained)
    prompt = getattr(args, 'prompt', None)
    if prompt is not None:
        for head in HEADS:
            if cfg.model.get(head):
                cfg.model[head]['prompt'] = prompt
    lexicon = None if args.lexicon is None else read_classes(args.lexicon)
    return BIKEInferencer(
        cfg,
        args.checkpoint,
        args.device,
        args.views,
        lexicon,
        workers=workers,
        time_limit=args.time_limit,
    )
