"""Write the videos of a data set into a few large tar files.

For clusters whose storage is slow with many small files. OUT then stands for the
folder of the videos: its tar files are read in training, tests and checks, by the
same lists. webdataset reads them, too. A command that was stopped goes on where it
was: give it again. Videos that cannot be read are left out, and named in
OUT/left_out.txt. Exit status: 0 if there are none, 1 if there are some.
"""

import argparse
import os.path as osp
import sys
from typing import Any, Optional

from ..datasets.pipeline_access import SPLITS, check_list, own_dataset
from ..shipped import find_config
from ..terminal import say
from .arguments import add_cfg_options, check_folder
from .values import positive, seed

_NAMED = 20  # videos that are left out; the file names all


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('config', help='says which videos: its lists and folders')
    parser.add_argument(
        '--split',
        nargs='+',
        choices=SPLITS,
        default=['train'],
        help='pack the videos of these splits, which lie in one folder; each video '
        'once (default: train)',
    )
    parser.add_argument(
        '--out', required=True, help='the folder of the tar files, which is made'
    )
    parser.add_argument(
        '--shard-size',
        type=positive,
        default=1.0,
        metavar='GB',
        help='size of a tar file, about (default: 1)',
    )
    parser.add_argument(
        '--seed',
        type=seed,
        default=0,
        help='of the random order of the videos, which lets each tar file have all '
        'classes (default: 0)',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace the tar files that an earlier command has written into OUT',
    )
    add_cfg_options(parser)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config, and refuse a folder that cannot be written."""
    args.config = find_config(args.config)
    check_folder('--out', args.out)


def run(args: argparse.Namespace) -> bool:
    """Pack; whether some videos are left out."""
    from mmaction.utils import register_all_modules

    from ..datasets.packing import pack_videos
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import read_config_file

    register_all_modules()
    cfg = read_config_file(args.config, needs_model=False)
    check_cfg_options(cfg, args.cfg_options)
    cfg.merge_from_dict(args.cfg_options or {})
    datasets = [_dataset_of(cfg, split) for split in args.split]
    size = max(1, int(min(args.shard_size * 1e9, sys.maxsize)))
    try:
        packed = pack_videos(datasets, args.out, size, args.seed, args.overwrite)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            'shards that are whole are kept; the same command goes on'
        ) from None
    _say_packed(args, packed)
    return bool(packed.left_out)


def _dataset_of(cfg: Any, split: str) -> Any:
    """That of a split, which names its videos and reads none."""
    from mmaction.registry import DATASETS

    check_list(cfg, split)
    config = own_dataset(cfg, split)
    dataset = None
    if 'video' in (config.get('data_prefix') or {}):
        dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
        dataset.full_init()
    if dataset is None or (len(dataset) and 'filename' not in dataset.get_data_info(0)):
        raise ValueError(
            f'{split}_dataloader has a {config["type"]}, or no data_prefix.video: '
            'only video files can be packed'
        )
    return dataset


def _say_packed(args: argparse.Namespace, packed: Any) -> None:
    from ..datasets.packing import LEFT_OUT

    left_out = [f"left out: '{f}': {why}" for f, why in packed.left_out.items()]
    for line in left_out[:_NAMED]:
        say(line)
    if left_out:
        say(f'{len(left_out)} left out: see {osp.join(args.out, LEFT_OUT)}')
    say(
        f'{args.out}: videos: {packed.videos}, tar files: {packed.shards}, '
        f'{packed.size / 1e9:.3g} GB'
    )
    splits = ', '.join(map(repr, args.split))
    say(f"to read them, in a config: use_shards(_base_, '{args.out}', [{splits}])")
