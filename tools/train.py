"""Train a recognizer: MMAction2's ``tools/train.py``, for BIKE's configs.

Usage: python tools/train.py CONFIG [--rawframes | --frames TEMPLATE]
[options of MMAction2's train.py]
"""
import argparse
import sys

from mmengine.runner import find_latest_checkpoint

from bike_mmaction.apis import (add_frame_arguments, check_cfg_options,
                                load_toolbox_tool, parse_own_args, read_frames)


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_frame_arguments(parser)
    own = parse_own_args(parser)
    tool = load_toolbox_tool('train')
    merge_args = tool.merge_args

    def merge(cfg, args):
        check_cfg_options(cfg, args.cfg_options)
        try:
            read_frames(cfg, own)
        except ValueError as error:
            sys.exit(f'train: {error}')
        # Where a config says `randomness`, the toolbox ignores these.
        randomness = dict(cfg.get('randomness') or {})
        if args.seed is not None:
            randomness.update(seed=args.seed)
        if args.diff_rank_seed:
            randomness.update(diff_rank_seed=True)
        if args.deterministic:
            randomness.update(deterministic=True)
        cfg.randomness = randomness
        load_from = cfg.get('load_from')
        cfg = merge_args(cfg, args)
        if args.resume == 'auto' and not find_latest_checkpoint(cfg.work_dir):
            # Nothing to resume: the toolbox would start from nothing.
            cfg.resume, cfg.load_from = False, cfg.load_from or load_from
        return cfg

    tool.merge_args = merge
    tool.main()


if __name__ == '__main__':
    main()
