"""What the tools that test have in common."""
import argparse
import os.path as osp
from typing import Sequence

from mmaction.registry import HOOKS
from mmaction.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..datasets.class_names import load_class_names
from ..datasets.pipelines import parse_views, set_views, use_rawframes
from ..evaluation.results import (average, markdown_table, write_json,
                                  write_tables)
from .toolbox import check_cfg_options


def add_test_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for :func:`change_test`."""
    parser.add_argument(
        '--views',
        type=_views,
        help='temporal clips x spatial crops of each video, such as 1x1, '
        '4x1 or 4x3; by default as the config says')
    parser.add_argument(
        '--rawframes',
        action='store_true',
        help='read extracted frames instead of video files')
    parser.add_argument(
        '--class-names',
        metavar='LIST',
        help='recognize other classes: a built-in list, or a file with a '
        'name a line or in the form id,name')
    parser.add_argument(
        '--prompt',
        help="other words around the class names, with '{}' for the name; "
        "a file with a prompt a line, or 'actions', makes an ensemble")
    parser.add_argument(
        '--interpolate',
        metavar='WEIGHT',
        type=_weight,
        help='share of the checkpoint, from 0 to 1, in weights between it '
        'and the original CLIP')


def change_test(cfg, args: argparse.Namespace) -> None:
    """Apply the options to a config.

    Args:
        cfg (Config): The config to change.
        args (argparse.Namespace): With the options of
            :func:`add_test_arguments`.

    Raises:
        ValueError: if an option does not fit the config.
    """
    if args.rawframes:
        use_rawframes(cfg)
    if args.views is not None:
        set_views(cfg, args.views)
    heads = [
        cfg.model[key] for key in ('cls_head', 'attributes_head')
        if cfg.model.get(key)
    ]
    if args.class_names is not None:
        names = load_class_names(args.class_names)
        for head in heads:
            head.update(class_names=args.class_names, num_classes=len(names))
    if args.prompt is not None:
        for head in heads:
            head['prompt'] = args.prompt
    if args.interpolate is not None:
        add_hook(cfg, type='InterpolateWeights', weight=args.interpolate)


def set_checkpoint(cfg, checkpoint: str) -> None:
    """Test a checkpoint, or with the word 'pretrained' CLIP as it is."""
    if checkpoint == 'pretrained':
        cfg.load_from = None
        add_hook(cfg, type='ReadPretrained')
    else:
        cfg.load_from = checkpoint


def average_tests(configs: Sequence[str], checkpoints: Sequence[str],
                  args: argparse.Namespace) -> dict:
    """Test one config after the other, and average the metrics.

    Writes ``splits.json`` with the results of each, and tables beside it.

    Args:
        configs (Sequence[str]): Config files.
        checkpoints (Sequence[str]): One for each.
        args (argparse.Namespace): ``work_dir``, ``launcher``,
            ``cfg_options`` and those of :func:`add_test_arguments`.

    Returns:
        dict[str, float]: ``*_mean`` and ``*_std`` of each metric.

    Raises:
        ValueError: if two configs have the same name, or as
            :func:`change_test`.
    """
    register_all_modules()
    names = [osp.splitext(osp.basename(path))[0] for path in configs]
    if len(set(names)) < len(names):
        raise ValueError(f'two configs have the same name: {names}')
    prepared = []
    for path, name, checkpoint in zip(configs, names, checkpoints):
        cfg = Config.fromfile(path)
        check_cfg_options(cfg, args.cfg_options)
        cfg.merge_from_dict(args.cfg_options or {})
        change_test(cfg, args)
        set_checkpoint(cfg, checkpoint)
        cfg.launcher = args.launcher
        cfg.work_dir = osp.join(args.work_dir, name)
        prepared.append(cfg)
    found = [Runner.from_cfg(cfg).test() for cfg in prepared]
    averaged = average(found)
    if is_main_process():
        path = osp.join(args.work_dir, 'splits.json')
        runs = dict(zip(names, found))
        write_json(path, dict(runs=runs, average=averaged))
        rows = [(name, args.views, {
            k: v
            for k, v in metrics.items() if not k.startswith('videos/')
        }) for name, metrics in runs.items()]
        rows.append((f'mean of {len(rows)}', args.views, averaged))
        write_tables(path, rows)
        print(f'{markdown_table(rows)}\nWritten to {path}')
    return averaged


def add_hook(cfg, **hook) -> None:
    """Append to the custom hooks of a config."""
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), ConfigDict(hook)]


@HOOKS.register_module()
class ReadPretrained(Hook):
    """Test the weights that ``pretrained`` names, without any training.

    The runner itself reads them for training only.
    """

    def before_test(self, runner) -> None:
        """Initialize the runner's model."""
        model = getattr(runner.model, 'module', runner.model)
        model.init_weights()


def _views(text: str) -> str:
    """Refuse what is not understood, before any work."""
    try:
        parse_views(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))
    return text


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.
    if not 0 <= weight <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not in [0, 1]')
    return weight
