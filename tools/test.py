"""Test a recognizer: MMAction2's ``tools/test.py``, with further options.

Usage: python tools/test.py CONFIG CHECKPOINT [--views 4x3] [--rawframes |
--frames TEMPLATE] [--class-names LIST] [--prompt PROMPT]
[--interpolate WEIGHT] [options of MMAction2's test.py]

CHECKPOINT may be the word 'pretrained': the weights that `pretrained` names
in the config are tested as they are, without any training. Results are
written beside the log: results.json, and tables as .md and .tex.
"""

import argparse
from types import SimpleNamespace

from bike_mmaction.cli.mistakes import mistakes_in_one_line, read_config_file
from bike_mmaction.cli.mmaction_tools import (
    check_cfg_options,
    load_toolbox_tool,
    parse_own_args,
)
from bike_mmaction.cli.testing import add_test_arguments, change_test


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_test_arguments(parser)
    own = parse_own_args(parser)
    tool = load_toolbox_tool('test')
    merge_args = tool.merge_args

    def merge(cfg, args):
        check_cfg_options(cfg, args.cfg_options)
        args.checkpoint = change_test(cfg, own, args.checkpoint)
        return merge_args(cfg, args)

    tool.merge_args = merge
    tool.Config = SimpleNamespace(fromfile=read_config_file)
    with mistakes_in_one_line('test'):
        tool.main()


if __name__ == '__main__':
    main()
