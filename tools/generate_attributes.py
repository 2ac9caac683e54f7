"""Generate attribute files: for every video the nearest phrases of a lexicon.

Usage: python tools/generate_attributes.py CONFIG --lexicon kinetics400 \
--topk 5 --split val --out attributes_val.json
With 8 GPUs: bash tools/dist_generate_attributes.sh CONFIG 8 ...

A run that was stopped goes on where it was: give the same command again.
"""

import argparse
import os
import os.path as osp
import sys

from mmengine.config import Config, DictAction

from bike_mmaction.apis import generate_attributes
from bike_mmaction.cli.mmaction_tools import check_cfg_options
from bike_mmaction.datasets.pipeline_access import SPLITS
from bike_mmaction.models.text_head import PROMPT
from bike_mmaction.recipes import set_views


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'config', help='says which CLIP, with which weights, which videos'
    )
    parser.add_argument(
        '--lexicon',
        required=True,
        help="'imagenet1k', a built-in list of class names such as "
        "'kinetics400', or a file with a phrase a line",
    )
    parser.add_argument(
        '--topk', type=int, default=5, help='phrases per video (default: 5)'
    )
    parser.add_argument('--out', required=True, help='the file to write')
    parser.add_argument(
        '--split', choices=SPLITS, default='test', help='whose videos (default: test)'
    )
    parser.add_argument(
        '--prompt',
        default=PROMPT,
        help="sentence with {} for a phrase (default: '%(default)s')",
    )
    parser.add_argument(
        '--pretrained',
        help="weights of both of CLIP's towers, a tag or a file "
        '(default: as the config says)',
    )
    parser.add_argument(
        '--views', help='such as 4x3 or 10x3d (default: as the config tests)'
    )
    parser.add_argument('--overwrite', action='store_true', help='begin anew')
    parser.add_argument('--work-dir', help='for logs')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main() -> None:
    args = parse_args()
    try:
        cfg = Config.fromfile(args.config)
        check_cfg_options(cfg, args.cfg_options)
        if args.cfg_options:
            cfg.merge_from_dict(args.cfg_options)
        if args.views is not None:
            set_views(cfg, args.views)
        if args.pretrained is not None:
            cfg.model.association = dict(
                cfg.model.get('association') or {}, pretrained=args.pretrained
            )
        cfg.launcher = args.launcher
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = (
            args.work_dir
            or cfg.get('work_dir')
            or osp.join('work_dirs', f'{name}_attributes')
        )
        generate_attributes(
            cfg,
            args.lexicon,
            args.topk,
            args.out,
            args.split,
            args.prompt,
            args.overwrite,
        )
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'generate_attributes: {error}')


if __name__ == '__main__':
    main()
