"""Join a video branch and an attributes branch that were trained apart.

Usage: python tools/merge_checkpoints.py VIDEO.pth ATTRIBUTES.pth DST.pth
"""

import argparse
import sys

from bike_mmaction.checkpoint import load_from_local, merge_branches, save_checkpoint


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('video', help='checkpoint with a video branch')
    parser.add_argument('attributes', help='checkpoint with the other branch')
    parser.add_argument('dst', help='checkpoint to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        done = merge_branches(
            load_from_local(args.video, 'cpu'), load_from_local(args.attributes, 'cpu')
        )
        save_checkpoint(done.checkpoint, args.dst)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'merge_checkpoints: {error}')
    own = any('attributes_head.text_encoder.' in new for _, new in done.renamed)
    print(
        f'{len(done.renamed)} tensors of the attributes branch added, '
        f'{len(done.unused)} not used; written to {args.dst}'
    )
    print(
        'The text encoders of the branches '
        + (
            'differ: the config needs an attributes_head.text_encoder'
            if own
            else 'are the same: it is kept once'
        )
    )


if __name__ == '__main__':
    main()
