"""Test a recognizer: MMAction2's test.py, with further options.

CHECKPOINT may be the word 'pretrained': the weights that `pretrained` names
in the config are tested as they are, without any training. Results are
written beside the log: results.json, and tables as .md and .tex.
"""

import argparse
import copy
from types import SimpleNamespace
from typing import Optional

from ..shipped import find_config
from .arguments import (
    DUMP_SUFFIXES,
    add_test_arguments,
    check_checkpoint,
    check_folder,
    check_writable,
    set_local_rank,
)
from .mmaction_arguments import TEST, add_arguments
from .values import amount, check_value, count


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """Own options, and all that MMAction2's test.py has."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    add_arguments(parser, TEST)
    add_test_arguments(parser.add_argument_group('beside those of MMAction2'))
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find config and checkpoint, and refuse what does not fit."""
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    if args.dump and not args.dump.endswith(DUMP_SUFFIXES):
        raise ValueError(
            f"--dump '{args.dump}' must end with {' or '.join(DUMP_SUFFIXES)}"
        )
    check_writable('--dump', args.dump)
    check_folder('--work-dir', args.work_dir)
    check_folder('--show-dir', args.show_dir)
    check_value(parser, '--interval', args.interval, count)
    check_value(parser, '--wait-time', args.wait_time, amount)
    if not args.show and args.wait_time != parser.get_default('wait_time'):
        parser.error('--wait-time needs --show')
    shows = args.show or args.show_dir
    if not shows and args.interval != parser.get_default('interval'):
        parser.error('--interval needs --show or --show-dir')


def run(args: argparse.Namespace) -> None:
    """Test as MMAction2 does, with a config that is changed."""
    from ..datasets.pipeline_access import check_list
    from ..recipes.evaluators import add_metric
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import load_mmaction_tool, read_config_file
    from .testing import change_test

    set_local_rank(args.local_rank)
    tool = load_mmaction_tool('test')
    merge_args = tool.merge_args

    def merge(cfg, args):
        check_cfg_options(cfg, args.cfg_options)
        args.checkpoint = change_test(cfg, args, args.checkpoint)
        dump, args.dump = args.dump, None  # MMAction2 writes pickles alone
        cfg = merge_args(cfg, args)
        if dump:
            add_metric(cfg, type='DumpScores', out_file_path=dump)
        complete = copy.deepcopy(cfg)  # MMAction2 merges them hereafter
        complete.merge_from_dict(args.cfg_options or {})
        check_list(complete, 'test')
        return cfg

    tool.parse_args = lambda: args
    tool.merge_args = merge
    tool.Config = SimpleNamespace(fromfile=read_config_file)
    tool.main()
