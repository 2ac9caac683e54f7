"""Generate attribute files: for every video the nearest phrases of a lexicon.

A lexicon is a list of phrases; those that are nearest to a video, its
attributes, describe it. A run that was stopped goes on where it was: give the
same command again. With 8 GPUs: bash tools/dist_generate_attributes.sh CONFIG 8 ...
"""

import argparse
import os.path as osp
from typing import Optional

from ..datasets.lexicon import IMAGENET, load_lexicon
from ..datasets.pipeline_access import SPLITS, check_list
from ..datasets.views import parse_views
from ..shipped import find_config
from .arguments import (
    VIEWS,
    add_cfg_options,
    add_launcher,
    check_folder,
    check_output,
    set_local_rank,
)
from .values import count


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
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
        '--topk',
        type=count,
        default=5,
        help='how many phrases for a video (default: 5)',
    )
    parser.add_argument('--out', required=True, help='the file to write')
    parser.add_argument(
        '--split', choices=SPLITS, default='test', help='whose videos (default: test)'
    )
    parser.add_argument(
        '--prompt',
        help='sentence with {} for a phrase (default: "This is a video about {}")',
    )
    parser.add_argument(
        '--pretrained',
        help="weights of both of CLIP's towers, a tag or a file "
        '(default: as the config says)',
    )
    parser.add_argument('--views', help=f'{VIEWS} (default: as the config tests)')
    parser.add_argument('--overwrite', action='store_true', help='begin anew')
    parser.add_argument('--work-dir', help='for logs')
    add_cfg_options(parser)
    add_launcher(parser)
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config and the lexicon; refuse what cannot be."""
    args.config = find_config(args.config)
    if args.views is not None:
        parse_views(args.views)
    if args.lexicon != IMAGENET:
        load_lexicon(args.lexicon)
    check_output('--out', args.out)
    check_folder('--work-dir', args.work_dir)


def run(args: argparse.Namespace) -> None:
    """Change the config as the options say, and generate."""
    from ..apis import generate_attributes
    from ..models.text_head import PROMPT
    from ..recipes import set_views
    from ..recipes.options import check_cfg_options
    from .mmaction_tools import read_config_file

    set_local_rank(args.local_rank)
    cfg = read_config_file(args.config)
    check_cfg_options(cfg, args.cfg_options)
    cfg.merge_from_dict(args.cfg_options or {})
    check_list(cfg, args.split)
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
    prompt = PROMPT if args.prompt is None else args.prompt
    generate_attributes(
        cfg, args.lexicon, args.topk, args.out, args.split, prompt, args.overwrite
    )
