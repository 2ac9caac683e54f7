"""What the commands that test have in common."""

import argparse
import os
import os.path as osp
from collections.abc import Sequence
from contextlib import suppress
from typing import Optional

from mmaction.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from ..datasets.class_names import HEADS, load_class_names
from ..datasets.pipeline_access import check_list, own_dataset
from ..evaluation.results import (
    average,
    markdown_table,
    row_of,
    write_json,
    write_tables,
)
from ..recipes import set_views, use_whole_models
from ..recipes.options import check_cfg_options
from ..shipped import PRETRAINED
from ..terminal import say
from ..training import add_checks
from .arguments import check_checkpoint
from .mmaction_tools import read_config_file, read_frames


def change_test(cfg, args: argparse.Namespace, checkpoint: str) -> Optional[str]:
    """Apply the options to a config, before its ``--cfg-options``.

    Args:
        cfg (Config): The config to change.
        args (argparse.Namespace): With the options of
            :func:`.add_test_arguments`.
        checkpoint (str): File or address; or 'pretrained': CLIP as it is.

    Returns:
        str | None: What to load.

    Raises:
        FileNotFoundError: if the checkpoint is a file and does not exist.
        ValueError: if an option does not fit the config.
    """
    use_whole_models(cfg)
    add_checks(cfg)
    read_frames(cfg, args)
    if args.views is not None:
        set_views(cfg, args.views)
    _change_heads(cfg, args)
    if args.interpolate is not None:
        if checkpoint == PRETRAINED:
            raise ValueError(
                "--interpolate is for a checkpoint; 'pretrained' "
                'is the original CLIP already'
            )
        add_hook(cfg, type='InterpolateWeights', weight=args.interpolate)
    if checkpoint == PRETRAINED:
        add_hook(cfg, type='ReadPretrained')
        return None
    check_checkpoint(checkpoint)
    return checkpoint


def _change_heads(cfg, args: argparse.Namespace) -> None:
    """Let both heads know other classes, or other words around them."""
    heads = [cfg.model[key] for key in HEADS if cfg.model.get(key)]
    if args.class_names is not None:
        number = len(load_class_names(args.class_names))
        for head in heads:
            head.update(class_names=args.class_names, num_classes=number)
        if 'num_classes' in own_dataset(cfg, 'test'):
            own_dataset(cfg, 'test')['num_classes'] = number
    if args.prompt is not None:
        for head in heads:
            head['prompt'] = args.prompt


def add_hook(cfg, **hook) -> None:
    """Append to the custom hooks of a config."""
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), ConfigDict(hook)]


def average_tests(
    configs: Sequence[str], checkpoints: Sequence[str], args: argparse.Namespace
) -> dict:
    """Test one config after the other, and average the metrics.

    Writes ``splits.json`` with the results of each, and tables beside it.

    Args:
        configs (Sequence[str]): Config files.
        checkpoints (Sequence[str]): One for each.
        args (argparse.Namespace): ``work_dir``, ``launcher``,
            ``cfg_options`` and those of :func:`.add_test_arguments`.

    Returns:
        dict[str, float]: ``*_mean`` and ``*_std`` of each metric.

    Raises:
        OSError: if a file does not exist; before the first test.
        ValueError: if an option does not fit a config.
    """
    register_all_modules()
    prepared: dict[str, Config] = {}
    for path, checkpoint in zip(configs, checkpoints):
        name = osp.splitext(osp.basename(path))[0]
        if name in prepared:  # of several seeds
            name = f'{name}_{len(prepared) + 1}'
        prepared[name] = _prepare(path, name, checkpoint, args)
    summary = osp.join(args.work_dir, 'splits.json')
    if is_main_process():  # should this run fail
        with suppress(FileNotFoundError):
            os.remove(summary)
    runs = {}
    for name, cfg in prepared.items():
        runner = Runner.from_cfg(cfg)
        runner.test()
        runs[name] = runner.test_loop.results
    averaged = average([run['metrics'] for run in runs.values()])
    if is_main_process():
        _write_average(summary, runs, averaged)
    return averaged


def _prepare(path: str, name: str, checkpoint: str, args: argparse.Namespace) -> Config:
    cfg = read_config_file(path)
    check_cfg_options(cfg, args.cfg_options)
    cfg.load_from = change_test(cfg, args, checkpoint)
    cfg.merge_from_dict(args.cfg_options or {})
    check_list(cfg, 'test')
    cfg.launcher = args.launcher
    cfg.work_dir = osp.join(args.work_dir, name)
    cfg.test_cfg = dict(type='ReportingTestLoop')
    return cfg


def _write_average(path: str, runs: dict[str, dict], averaged: dict) -> None:
    write_json(path, dict(runs=runs, average=averaged))
    rows: list[tuple] = [row_of(name, run) for name, run in runs.items()]
    rows.append((f'mean of {len(rows)}', '', '', averaged))
    write_tables(path, rows)
    say(f'{markdown_table(rows)}\nWritten to {path}')
    for name, run in runs.items():
        absent = run['list']['videos'] - run['videos']['evaluated']
        if absent:
            say(f'{name}: {absent} videos were not evaluated')
