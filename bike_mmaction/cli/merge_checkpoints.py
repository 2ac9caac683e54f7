"""Join a video branch and an attributes branch that were trained apart.

The video branch compares frames with class names, the attributes branch
phrases that describe a video.
"""

import argparse
from typing import Optional

from ..terminal import say
from .arguments import check_checkpoint, check_output


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('video', help='checkpoint with a video branch')
    parser.add_argument('attributes', help='checkpoint with the other branch')
    parser.add_argument('dst', help='checkpoint to write')
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find both checkpoints."""
    check_checkpoint(args.video)
    check_checkpoint(args.attributes)
    check_output('DST', args.dst)


def run(args: argparse.Namespace) -> None:
    """Merge, write and report."""
    from ..checkpoint import load_from_local, merge_branches, save_checkpoint

    merged = merge_branches(
        load_from_local(args.video, 'cpu'), load_from_local(args.attributes, 'cpu')
    )
    save_checkpoint(merged.checkpoint, args.dst)
    own = any('attributes_head.text_encoder.' in new for _, new in merged.renamed)
    say(
        f'{len(merged.renamed)} tensors of the attributes branch added, '
        f'{len(merged.unused)} not used; written to {args.dst}'
    )
    say(
        'The text encoders of the branches '
        + (
            'differ: the config needs an attributes_head.text_encoder'
            if own
            else 'are the same: it is kept once'
        )
    )
