"""Convert the authors' released checkpoints to this project's, and back.

DST may end in .safetensors: weights alone, with their SHA-256 beside them; SRC
may then be any checkpoint, such as a trained one.
"""

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
        if old != new:
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
    from ..checkpoint import as_mmengine, is_torchscript, read_pickle, save_checkpoint

    check_checkpoint(src)
    if is_torchscript(src):
        raise ValueError(
            f"'{src}' holds CLIP's own weights (TorchScript): "
            'name it in `pretrained=`, no conversion is needed'
        )
    checkpoint = as_mmengine(read_pickle(src, 'cpu'))
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f"'{src}' holds a {type(checkpoint).__name__}, not a checkpoint"
        )
    try:
        conversion = _converted(checkpoint, dst, inverse)
    except ValueError as error:
        raise ValueError(f"'{src}': {error}") from None
    save_checkpoint(conversion.checkpoint, dst)
    return conversion


def _converted(checkpoint: dict, dst: str, inverse: bool):
    from ..checkpoint import Conversion, from_released, to_released

    is_weights = str(dst).endswith('.safetensors')
    if inverse:
        if is_weights:
            raise ValueError("the authors' code reads no .safetensors: name a .pt")
        return to_released(checkpoint)
    if is_weights and 'state_dict' in checkpoint:
        return Conversion(checkpoint, [(x, x) for x in checkpoint['state_dict']], [])
    return from_released(checkpoint)
