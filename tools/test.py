"""Test a recognizer: MMAction2's ``tools/test.py``, with further options.

Usage: python tools/test.py CONFIG CHECKPOINT [--views 4x3] [--rawframes |
--frames TEMPLATE] [--class-names LIST] [--prompt PROMPT]
[--interpolate WEIGHT] [options of MMAction2's test.py]

CHECKPOINT may be the word 'pretrained': the weights that `pretrained` names
in the config are tested as they are, without any training. Results are
written beside the log: results.json, and tables as .md and .tex.
"""
import argparse
import sys

from bike_mmaction.apis import (add_test_arguments, change_test,
                                check_cfg_options, load_toolbox_tool,
                                parse_own_args)
from bike_mmaction.models.untrained import UntrainedError


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_test_arguments(parser)
    own = parse_own_args(parser)
    tool = load_toolbox_tool('test')
    merge_args = tool.merge_args

    def merge(cfg, args):
        try:
            check_cfg_options(cfg, args.cfg_options)
            args.checkpoint = change_test(cfg, own, args.checkpoint)
        except (OSError, ValueError) as error:
            sys.exit(f'test: {error}')
        return merge_args(cfg, args)

    tool.merge_args = merge
    try:
        tool.main()
    except UntrainedError as error:
        sys.exit(f'test: {error}')


if __name__ == '__main__':
    main()
