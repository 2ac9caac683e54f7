"""Test a recognizer: MMAction2's ``tools/test.py``, with views.

Usage: python tools/test.py CONFIG CHECKPOINT [--views 4x3] [options of
MMAction2's test.py]

CHECKPOINT may be the word 'pretrained': the weights that `pretrained` names
in the config are tested as they are, without any training.
"""
import argparse
import sys

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from bike_mmaction.apis import check_cfg_options, load_toolbox_tool
from bike_mmaction.datasets.pipelines import parse_views, set_views


def views(text: str) -> str:
    """An argument type: refuse what is not understood, before any work."""
    try:
        parse_views(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))
    return text


@HOOKS.register_module()
class ReadPretrained(Hook):
    """The runner calls ``init_weights`` for training only."""

    def before_test(self, runner) -> None:
        model = getattr(runner.model, 'module', runner.model)
        model.init_weights()


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(
        '--views',
        type=views,
        help='temporal clips x spatial crops of each video, such as 1x1, '
        '4x1 or 4x3; by default as the config says')
    own, rest = parser.parse_known_args()
    if {'-h', '--help'} & set(rest):
        print(f'{parser.format_help()}\nand, from MMAction2:\n')
    sys.argv[1:] = rest
    tool = load_toolbox_tool('test')
    merge_args = tool.merge_args

    def merge(cfg, args):
        check_cfg_options(cfg, args.cfg_options)
        if own.views is not None:
            set_views(cfg, own.views)
        if args.checkpoint == 'pretrained':
            args.checkpoint = None
            cfg.custom_hooks = [
                *cfg.get('custom_hooks', []),
                dict(type='ReadPretrained')
            ]
        return merge_args(cfg, args)

    tool.merge_args = merge
    tool.main()


if __name__ == '__main__':
    main()
