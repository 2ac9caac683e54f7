"""Label folders, lists or tables of videos, up to millions of them.

An INPUT is a folder, below which videos are sought; a video file; a list
(.txt) with a path a line, or with lines of MMAction2, `path label`; or one
table (.csv, .tsv, .parquet) with a column of paths, of which all columns are
kept. A run that was stopped or killed goes on where it was: give the same
command again. With 8 GPUs: bash tools/dist_label.sh 8 INPUT --out OUT ...
"""

import argparse
import os
from typing import Optional

from ..datasets.prompts import load_prompts
from ..datasets.tables import WRITABLE
from ..terminal import say
from .arguments import (
    add_launcher,
    add_model_arguments,
    add_result_arguments,
    set_local_rank,
)
from .table_arguments import (
    add_table_arguments,
    check_table_arguments,
    check_table_output,
)
from .values import checked, count, number

PATIENCE = 7 * 86400  # seconds that the processes wait for the slowest of them


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='see above')
    parser.add_argument(
        '--out',
        required=True,
        help=f'the file to write: {", ".join(WRITABLE)}; a row for each video',
    )
    add_table_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument(
        '--prompt',
        type=checked(load_prompts),
        help="other words around the class names, with '{}' for the name; "
        "a file with a prompt a line, or 'actions', makes an ensemble",
    )
    _add_results(parser)
    _add_processes(parser)
    return parser


def _add_results(parser: argparse.ArgumentParser) -> None:
    add_result_arguments(
        parser,
        below='a video has no label',
        window='recognize pieces of so many seconds, a row each (default: the whole)',
    )
    parser.add_argument('--overwrite', action='store_true', help='begin anew')
    parser.add_argument(
        '--retry', action='store_true', help='try again what could not be read'
    )


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--batch-size',
        type=count,
        default=8,
        help='videos at once, for each process that computes (default: 8)',
    )
    parser.add_argument(
        '--workers',
        type=number,
        metavar='N',
        help='processes that read, for each one that computes; a file that '
        'crashes one costs its own row alone. 0: none (default: up to 4)',
    )
    add_launcher(parser)
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    check_table_output(parser, args.out)
    if args.stride and not args.window:
        parser.error('--stride needs --window')
    check_table_arguments(args)


def run(args: argparse.Namespace) -> None:
    """Label, in this process or in one of several.

    Raises:
        KeyboardInterrupt: after Ctrl-C, which keeps what is done; says where.
    """
    from mmengine.dist import is_main_process

    from ..apis import label_videos, read_classes
    from .models import make_inferencer

    try:
        start_processes(args)
        bike = make_inferencer(args, args.workers)
        counts = label_videos(
            bike,
            args.inputs,
            args.out,
            None if args.classes is None else read_classes(args.classes),
            args.topk,
            args.threshold,
            args.window,
            args.stride,
            args.batch_size,
            args.path_column,
            args.root,
            args.overwrite,
            args.retry,
            progress=True,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_how_to_go_on(args.out)) from None
    if is_main_process():
        say(summary(args.out, counts))


def start_processes(args: argparse.Namespace) -> None:
    """Let the processes of a launcher know of each other; each has its GPU."""
    set_local_rank(args.local_rank)
    if args.launcher == 'none':
        return
    import torch
    from mmengine.dist import init_dist

    # They only wait for each other: no need of NCCL and its memory.
    init_dist(args.launcher, backend='gloo', timeout=PATIENCE)
    if args.device is None and torch.cuda.is_available():
        args.device = f'cuda:{torch.cuda.current_device()}'


def _how_to_go_on(out: str) -> str:
    partial = f'{os.path.realpath(out)}.partial'
    return f"what is done is in '{partial}'; the same command goes on"


def summary(out: str, counts: dict) -> str:
    """What has been written, and what may be done."""
    text = f"'{out}': {counts['rows']} rows"
    if counts['with_warning']:
        text += f', {counts["with_warning"]} with a warning'
    if counts['unreadable']:
        text += (
            f', {counts["unreadable"]} with an error in place of a label. --retry '
            f"tries these again; without need of that delete '{out}.partial'"
        )
    return text
