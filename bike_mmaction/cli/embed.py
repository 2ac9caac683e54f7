"""Keep frame embeddings of videos, to find what is in them by `bike search`.

An INPUT is a folder, below which videos are sought; a video file; a list
(.txt) with a path a line; or one table (.csv, .tsv, .parquet) with a column of
paths. The index is a folder. Videos that it has already are left as they are:
a run that was stopped or killed goes on where it was, and other inputs may be
added later. New words need no new pass over the videos.
"""

import argparse
import os.path as osp
import sys
from typing import Optional

from ..terminal import say
from .arguments import add_model_choice, add_time_limit, check_folder
from .table_arguments import add_table_arguments, check_table_arguments
from .values import number, positive

STOPPED = 130  # exit status after Ctrl-C, as of a shell
MOST_NAMED = 10  # files with errors; the table of the index names all


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='see above')
    parser.add_argument(
        '--out', required=True, metavar='INDEX', help='the folder of the index'
    )
    parser.add_argument(
        '--fps',
        type=positive,
        default=1.0,
        help='frames of each second; brief events need more (default: 1)',
    )
    parser.add_argument(
        '--half',
        action='store_true',
        help='keep 2 bytes a value instead of 4: half the disk, and slower to open',
    )
    add_table_arguments(parser)
    parser.add_argument('--overwrite', action='store_true', help='begin anew')
    parser.add_argument(
        '--retry', action='store_true', help='try again what could not be read'
    )
    parser.add_argument(
        '--workers',
        type=number,
        metavar='N',
        help='processes that read; a file that crashes one costs itself alone. 0: '
        'none (default: up to 4)',
    )
    add_model_choice(parser)
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    add_time_limit(parser)
    parser.set_defaults(classes=None, lexicon=None, views=None)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    check_folder('--out', args.out)
    check_table_arguments(args)


def run(args: argparse.Namespace) -> int:
    """Embed.

    Returns:
        int: 1 if some video could not be read; 130 if Ctrl-C has stopped it,
        which keeps what is done.
    """
    from ..apis import embed_videos
    from .models import make_inferencer

    try:
        counts = embed_videos(
            make_inferencer(args, args.workers),
            args.inputs,
            args.out,
            args.fps,
            'float16' if args.half else 'float32',
            args.path_column,
            args.root,
            args.overwrite,
            args.retry,
            progress=True,
        )
    except KeyboardInterrupt:
        say(
            f"stopped: what is done is in '{args.out}'; the same command goes on",
            file=sys.stderr,
        )
        return STOPPED
    _name('not used', list(counts['unreadable'].values()))
    damaged = [f"'{file}': {what}" for file, what in counts['damaged'].items()]
    _name('damaged, but used', damaged)
    say(
        f"'{args.out}': {counts['videos']} videos, {counts['frames']} frames"
        + _of_bad(args.out, len(counts['unreadable']))
    )
    return int(bool(counts['unreadable']))


def _of_bad(out: str, unreadable: int) -> str:
    if not unreadable:
        return ''
    table = osp.join(out, 'videos.csv')
    return f"; {unreadable} could not be read, see '{table}' (--retry tries them again)"


def _name(what: str, sentences: list[str]) -> None:
    for sentence in sentences[:MOST_NAMED]:
        say(f'{what}: {sentence}', file=sys.stderr)
    if len(sentences) > MOST_NAMED:
        say(f'{what}: {len(sentences) - MOST_NAMED} more', file=sys.stderr)
