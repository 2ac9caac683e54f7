"""Turn a result of `bike label` into what Label Studio or FiftyOne read.

LABELS is a result of `bike label`. For Label Studio these are tasks with
predictions, and beside them a labelling interface (.xml). For FiftyOne it is
the labels.json of a FiftyOneTemporalDetectionDataset. Without --to it is a
table again. --uncertain picks the videos that are worth labelling next.
"""

import argparse
import os.path as osp
from typing import Optional

from ..datasets.tables import WRITABLE, check_pyarrow, kind_of
from ..terminal import say
from .arguments import check_input, check_output
from .table_arguments import add_table_arguments
from .values import count, positive

KINDS = ('label-studio', 'fiftyone')  # those of apis.labelling.exports


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('labels', metavar='LABELS', help='see above')
    parser.add_argument('--out', required=True, help='the file to write')
    parser.add_argument('--to', choices=KINDS, help='for which program')
    parser.add_argument(
        '--uncertain',
        type=count,
        metavar='N',
        help='only so many videos, the most uncertain first: those whose two '
        'likeliest classes are nearest to each other',
    )
    add_table_arguments(parser)
    parser.add_argument(
        '--url-prefix',
        default='',
        metavar='TEXT',
        help="put before the paths for Label Studio, such as '/data/local-files/?d='",
    )
    parser.add_argument(
        '--frame-rate',
        type=positive,
        default=24.0,
        metavar='FPS',
        help='by which Label Studio counts frames; the interface has it (default: 24)',
    )
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    if kind_of(args.labels) not in WRITABLE:
        parser.error(f"LABELS '{args.labels}' must end with {', '.join(WRITABLE)}")
    endings = ('.json',) if args.to else WRITABLE
    if kind_of(args.out) not in endings:
        more = '' if args.to else '; for another program add --to'
        parser.error(f"--out '{args.out}' must end with {', '.join(endings)}{more}")
    check_input('LABELS', args.labels)
    if osp.exists(args.out) and osp.samefile(args.labels, args.out):
        parser.error(f"--out '{args.out}' is LABELS itself: give another path")
    for option, path in (('LABELS', args.labels), ('--out', args.out)):
        check_pyarrow(option, path)
    check_output('--out', args.out)
    check_input('--root', args.root)


def run(args: argparse.Namespace) -> None:
    """Read, convert, write and report."""
    from ..apis.labelling.exports import convert_labels

    counts = convert_labels(
        args.labels,
        args.out,
        args.to,
        args.uncertain,
        args.path_column,
        args.root,
        args.url_prefix,
        args.frame_rate,
    )
    text = f"'{args.out}': {counts['videos']} videos"
    if counts['unreadable']:
        text += f'; left out for their errors: {counts["unreadable"]} rows'
    say(text)
