"""Train a recognizer: MMAction2's ``tools/train.py``, for BIKE's configs.

Usage: python tools/train.py CONFIG [--rawframes | --frames TEMPLATE]
[--epochs N] [--resume [CHECKPOINT] [--override-schedule]] [options of
MMAction2's train.py]
"""

import argparse
from types import SimpleNamespace

from mmengine.runner import find_latest_checkpoint

from bike_mmaction.cli.mistakes import mistakes_in_one_line, read_config_file
from bike_mmaction.cli.mmaction_tools import (
    add_frame_arguments,
    check_cfg_options,
    load_toolbox_tool,
    parse_own_args,
    read_frames,
)
from bike_mmaction.training import CHECKS, add_checks, set_epochs


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_frame_arguments(parser)
    parser.add_argument(
        '--epochs',
        type=int,
        help='train for so many epochs, by a schedule of that length; a '
        'warm-up keeps its own',
    )
    parser.add_argument(
        '--override-schedule',
        action='store_true',
        help='with --resume: optimizer and schedule as the config says now, '
        'not as they were',
    )
    return parse_own_args(parser)


def change(cfg, own: argparse.Namespace, args: argparse.Namespace) -> None:
    """Apply what concerns the config as it was read."""
    check_cfg_options(cfg, args.cfg_options)
    read_frames(cfg, own)
    # Where a config says `randomness`, the toolbox ignores these.
    randomness = dict(cfg.get('randomness') or {})
    if args.seed is not None:
        randomness.update(seed=args.seed)
    if args.diff_rank_seed:
        randomness.update(diff_rank_seed=True)
    if args.deterministic:
        randomness.update(deterministic=True)
    cfg.randomness = randomness


def change_training(cfg, own: argparse.Namespace, args: argparse.Namespace) -> None:
    """Apply what concerns the config with all its options."""
    if own.epochs is not None:
        if 'train_cfg.max_epochs' in (args.cfg_options or {}):
            raise ValueError(
                '--epochs and --cfg-options train_cfg.max_epochs '
                'say the same; give one of them'
            )
        set_epochs(cfg, own.epochs)
    add_checks(cfg)
    if own.override_schedule:
        if args.resume is None:
            raise ValueError('--override-schedule is for --resume')
        cfg.default_hooks.check_resume = dict(CHECKS['check_resume'], override=True)


def main() -> None:
    own = parse_args()
    tool = load_toolbox_tool('train')
    merge_args = tool.merge_args

    def merge(cfg, args):
        change(cfg, own, args)
        load_from = cfg.get('load_from')
        cfg = merge_args(cfg, args)
        change_training(cfg, own, args)
        if args.resume == 'auto' and not find_latest_checkpoint(cfg.work_dir):
            # Nothing to resume: the toolbox would start from nothing.
            cfg.resume, cfg.load_from = False, cfg.load_from or load_from
        return cfg

    tool.merge_args = merge
    tool.Config = SimpleNamespace(fromfile=read_config_file)
    with mistakes_in_one_line('train'):
        tool.main()


if __name__ == '__main__':
    main()
