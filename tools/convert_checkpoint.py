"""Convert the authors' released checkpoints to this project's, and back.

Usage: python tools/convert_checkpoint.py SRC DST [--inverse]
"""

import argparse
import os.path as osp
import sys

from bike_mmaction.checkpoint import (
    from_released,
    is_torchscript,
    read_pickle,
    save_checkpoint,
    to_released,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('src', help='checkpoint to read')
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument(
        '--inverse',
        action='store_true',
        help="from this project's layout to the authors'",
    )
    return parser.parse_args()


def convert(src: str, dst: str, inverse: bool = False):
    """Convert a file; see :class:`bike_mmaction.checkpoint.Conversion`."""
    if not osp.isfile(src):
        raise FileNotFoundError(f"checkpoint '{src}' does not exist")
    if is_torchscript(src):
        raise ValueError(
            f"'{src}' holds CLIP's own weights (TorchScript): "
            'name it in `pretrained=`, no conversion is needed'
        )
    checkpoint = read_pickle(src, 'cpu')
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f"'{src}' holds a {type(checkpoint).__name__}, not a checkpoint"
        )
    try:
        done = (to_released if inverse else from_released)(checkpoint)
    except ValueError as error:
        raise ValueError(f"'{src}': {error}") from None
    save_checkpoint(done.checkpoint, dst)
    return done


def main() -> None:
    args = parse_args()
    try:
        done = convert(args.src, args.dst, args.inverse)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'convert_checkpoint: {error}')
    for old, new in done.renamed:
        print(f'{old} -> {new}')
    for name in done.unused:
        print(f'{name} -> NOT USED')
    print(
        f'{len(done.renamed)} tensors converted, {len(done.unused)} not '
        f'used; written to {args.dst}'
    )


if __name__ == '__main__':
    main()
