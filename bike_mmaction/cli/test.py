"""Test a recognizer: MMAction2's test.py, with further options.

CHECKPOINT may be the word 'pretrained': the weights that `pretrained` names
in the config are tested as they are, without any training. Results are
written beside the log: results.json, and tables as .md and .tex.
"""

import argparse
from types import SimpleNamespace
from typing import Optional

from ..shipped import find_config
from .arguments import (
    add_test_arguments,
    check_checkpoint,
    check_writable,
    set_local_rank,
)
from .mmaction_arguments import TEST, add_arguments


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """Own options, and all that MMAction2's test.py has."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    add_arguments(parser, TEST)
    add_test_arguments(parser.add_argument_group('beside those of MMAction2'))
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config and the checkpoint."""
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        raise ValueError(f"--dump '{args.dump}' must end with .pkl or .pickle")
    check_writable('--dump', args.dump)


def run(args: argparse.Namespace) -> None:
    """Test as MMAction2 does, with a config that is changed."""
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import load_mmaction_tool, read_config_file
    from .testing import change_test

    set_local_rank(args.local_rank)
    tool = load_mmaction_tool('test')
    merge_args = tool.merge_args

    def merge(cfg, args):
        check_cfg_options(cfg, args.cfg_options)
        args.checkpoint = change_test(cfg, args, args.checkpoint)
        return merge_args(cfg, args)

    tool.parse_args = lambda: args
    tool.merge_args = merge
    tool.Config = SimpleNamespace(fromfile=read_config_file)
    tool.main()
