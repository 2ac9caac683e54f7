"""Convert the authors' released checkpoints to this project's, and back."""

import argparse
from typing import Optional

from ..terminal import say
from .arguments import check_checkpoint, check_output


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('src', help='checkpoint to read')
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument(
        '--inverse',
        action='store_true',
        help="from this project's layout to the authors'",
    )
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the checkpoint, and refuse one that cannot be written."""
    check_checkpoint(args.src)
    check_output('DST', args.dst)


def run(args: argparse.Namespace) -> None:
    """Convert, write and report."""
    conversion = convert(args.src, args.dst, args.inverse)
    for old, new in conversion.renamed:
        say(f'{old} -> {new}')
    for name in conversion.unused:
        say(f'{name} -> NOT USED')
    say(
        f'{len(conversion.renamed)} tensors converted, {len(conversion.unused)} not '
        f'used; written to {args.dst}'
    )


def convert(src: str, dst: str, inverse: bool = False):
    """Convert a file; see :class:`bike_mmaction.checkpoint.Conversion`.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it holds no checkpoint of the expected layout.
    """
    from ..checkpoint import (
        from_released,
        is_torchscript,
        read_pickle,
        save_checkpoint,
        to_released,
    )

    check_checkpoint(src)
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
        conversion = (to_released if inverse else from_released)(checkpoint)
    except ValueError as error:
        raise ValueError(f"'{src}': {error}") from None
    save_checkpoint(conversion.checkpoint, dst)
    return conversion
