"""Train a recognizer: MMAction2's train.py, for BIKE's configs.

Shipped configs have bare names: `bike train bike_vitl14_k400`. Of a folder that
`bike data` has written it makes a model that can be used: `bike train mydata`.
"""

import argparse
import os.path as osp
from types import SimpleNamespace
from typing import Optional

from ..shipped import SAMPLES, WAYS, find_config
from . import train_own
from .arguments import (
    add_frame_arguments,
    check_checkpoint,
    check_folder,
    set_local_rank,
)
from .mmaction_arguments import TRAIN, add_arguments
from .values import check_value, count, seed


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """Own options, and all that MMAction2's train.py has."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    add_arguments(parser, TRAIN)
    own = parser.add_argument_group('beside those of MMAction2')
    add_frame_arguments(own)
    own.add_argument(
        '--epochs',
        type=count,
        help='train for so many epochs, by a schedule of that length; a '
        'warm-up keeps its own',
    )
    own.add_argument(
        '--save-every',
        type=count,
        metavar='ITERATIONS',
        help='write a checkpoint in the middle of epochs, too, which --resume goes '
        'on from; the next one takes its place',
    )
    own.add_argument(
        '--override-schedule',
        action='store_true',
        help='with --resume: optimizer and schedule as the config says now, '
        'not as they were',
    )
    folder = parser.add_argument_group('of a folder that `bike data` has written')
    folder.add_argument(
        '--tune',
        choices=WAYS,
        help='what is trained: frozen, a small transformer on embeddings of frames '
        'that are kept; lora, adapters in the image tower; full, all of it '
        '(default: what fits data and machine)',
    )
    folder.add_argument(
        '--samples',
        type=count,
        help='with --tune frozen: how often each video is cropped and embedded, '
        f'which its epochs take in turn (default: {SAMPLES})',
    )
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config, and refuse what does not fit."""
    args.folder = args.config if osp.isdir(args.config) else None
    args.config = find_config(args.config)
    for option in ('tune', 'samples'):
        if getattr(args, option) is not None and args.folder is None:
            raise ValueError(f'--{option} is for a folder that `bike data` has written')
    if args.epochs is not None and 'train_cfg.max_epochs' in (args.cfg_options or {}):
        raise ValueError(
            '--epochs and --cfg-options train_cfg.max_epochs '
            'say the same; give one of them'
        )
    if args.override_schedule and args.resume is None:
        raise ValueError('--override-schedule is for --resume')
    if args.resume not in (None, 'auto'):
        check_checkpoint(args.resume)
    check_value(parser, '--seed', args.seed, seed)
    check_folder('--work-dir', args.work_dir)


def run(args: argparse.Namespace) -> None:
    """Train as MMAction2 does, with a config that is changed.

    Raises:
        KeyboardInterrupt: after Ctrl-C; says how to go on.
    """
    from ..checkpoint import has_checkpoints
    from .mmaction_tools import load_mmaction_tool, read_config_file

    set_local_rank(args.local_rank)
    tool = load_mmaction_tool('train')
    merge_args = tool.merge_args

    configs = []  # trained, and the same that reads videos

    def merge(cfg, args):
        change_file(cfg, args)
        if args.folder is not None:
            configs.append(train_own.start(cfg, args.folder, args))
        load_from = cfg.get('load_from')
        cfg = merge_args(cfg, args)
        change_training(cfg, args)
        if args.resume == 'auto' and not has_checkpoints(cfg.work_dir):
            # Nothing to resume: MMAction2 would start from nothing.
            cfg.resume, cfg.load_from = False, cfg.load_from or load_from
        args.work_dir = cfg.work_dir
        configs.insert(0, cfg)
        return cfg

    tool.parse_args = lambda: args
    tool.merge_args = merge
    tool.Config = SimpleNamespace(fromfile=read_config_file)
    try:
        tool.main()
        if args.folder is not None:
            train_own.finish(configs[0], configs[1], args.folder)
    except BaseException as end:
        if not _is_stopped(end):
            raise
        raise KeyboardInterrupt(_how_to_go_on(args.work_dir)) from None


def _is_stopped(end: Optional[BaseException]) -> bool:
    """Also where a loader has lost its workers, which the same signal ends."""
    while end is not None and not isinstance(end, KeyboardInterrupt):
        end = end.__context__
    return end is not None


def _how_to_go_on(work_dir: Optional[str]) -> str:
    from ..checkpoint import has_checkpoints

    if work_dir is None or not has_checkpoints(work_dir):
        return 'no checkpoint is written yet'
    return f"the same command with --resume goes on from what is saved in '{work_dir}'"


def change_file(cfg, args: argparse.Namespace) -> None:
    """Apply what concerns the config as it was read."""
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import read_frames

    check_cfg_options(cfg, args.cfg_options)
    read_frames(cfg, args)
    if cfg.get('randomness') is None:
        return  # MMAction2 makes it of the options
    # Where a config says `randomness`, it ignores them.
    randomness = dict(dict(seed=None), **cfg.randomness)
    if args.seed is not None:
        randomness.update(seed=args.seed)
    if args.diff_rank_seed:
        randomness.update(diff_rank_seed=True)
    if args.deterministic:
        randomness.update(deterministic=True)
    cfg.randomness = randomness


def change_training(cfg, args: argparse.Namespace) -> None:
    """Apply what concerns the config with all its options."""
    from ..datasets.pipeline_access import check_list
    from ..recipes import set_epochs
    from ..recipes.large_models import check_strategy
    from ..training import CHECKS, add_checks, go_on_in_validation

    if args.epochs is not None:
        set_epochs(cfg, args.epochs)
    check_list(cfg, 'train')
    if cfg.get('val_cfg'):
        check_list(cfg, 'val')
    check_optimizer(cfg)
    check_strategy(cfg)
    add_checks(cfg)
    go_on_in_validation(cfg)
    if args.save_every is not None:
        save_every(cfg, args.save_every)
    if args.override_schedule:
        cfg.default_hooks.check_resume = dict(CHECKS['check_resume'], override=True)


def save_every(cfg, iterations: int) -> None:
    """Write checkpoints in the middle of epochs, too."""
    hook = dict(cfg.default_hooks.get('checkpoint') or dict(type='CheckpointHook'))
    key = 'save_every' if hook.get('by_epoch', True) else 'interval'
    cfg.default_hooks.checkpoint = dict(hook, **{key: iterations})


def check_optimizer(cfg) -> None:
    """Refuse an optimizer that nobody knows, before a model is built.

    Raises:
        ValueError: naming the key, and the nearest name.
    """
    from mmaction.registry import OPTIMIZERS

    from ..errors import did_you_mean
    from .mistakes import types_of

    options = (cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    name = options.get('type') if isinstance(options, dict) else None
    if isinstance(name, str) and OPTIMIZERS.get(name) is None:
        raise ValueError(
            f"optim_wrapper.optimizer.type='{name}' is no optimizer"
            + did_you_mean(name, types_of('optimizer'))
        )
