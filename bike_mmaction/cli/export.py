"""Write a recognizer's video branch as ONNX or as a torch.export program.

The video branch compares frames with class names; what is found by attributes
is not exported. The classes are part of what is written. ONNX needs the extra `export`:
pip install "bike_mmaction[export]"
"""

import argparse
import glob
import os.path as osp
from typing import Any, Optional

from ..apis.hub.download import local_model
from ..datasets.class_names import BUILT_IN
from ..shipped import find_config, find_model, find_shared
from ..terminal import say
from .arguments import check_checkpoint, check_names, check_output
from .values import count

FORMATS = ('.onnx', '.pt2')  # those of apis.export


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('config', help='a file or a shipped config')
    parser.add_argument(
        'checkpoint',
        help="a checkpoint, or 'pretrained': the weights that the config names",
    )
    parser.add_argument(
        'out', help=f'file to write; its suffix, {" or ".join(FORMATS)}, says what'
    )
    parser.add_argument(
        '--classes',
        help='names, separated by commas (those with commas in quotes); a '
        'file with a name a line or in the form id,name; or one of '
        f'{", ".join(BUILT_IN)} (default: those of the config)',
    )
    parser.add_argument('--opset', type=count, help="of ONNX (default: torch's choice)")
    parser.add_argument(
        '--batch',
        type=count,
        help='clips at once, for runtimes that want it fixed (default: any)',
    )
    parser.add_argument(
        '--no-check',
        action='store_true',
        help='do not compare with PyTorch on random frames',
    )
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config and the checkpoint; refuse what cannot be written."""
    if args.opset is not None and not args.out.endswith('.onnx'):
        raise ValueError('--opset is for .onnx files')
    args.config = local_model(args.config)
    if find_shared(args.config):
        args.config, args.checkpoint = find_model(args.config, args.checkpoint)
    else:
        args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    check_names('--classes', args.classes)
    if not args.out.endswith(FORMATS):
        raise ValueError(f"OUT '{args.out}' must end with {' or '.join(FORMATS)}")
    check_output('OUT', args.out)


def run(args: argparse.Namespace) -> None:
    """Write, compare and report."""
    from ..apis.export import TOLERANCES

    for name, value in export(args).items():
        say(
            f'{name}: at most {value:.1e} from PyTorch '
            f'(allowed: {TOLERANCES[name]:.0e})'
        )
    files = [args.out, *glob.glob(f'{glob.escape(args.out)}.data')]
    size = sum(map(osp.getsize, files)) / 2**20
    say(f'{size:.1f} MiB written to {" and ".join(files)}')


def export(args: argparse.Namespace) -> dict[str, float]:
    """Build, write and compare; the largest differences."""
    from ..apis import build_recognizer, read_classes
    from ..apis.export import check_target, export_onnx, export_program
    from ..models.video_branch import head_of
    from .mmaction_tools import read_config_file

    suffix = check_target(args.out)
    options: dict[str, Any] = dict(batch=args.batch, check=not args.no_check)
    classes = None if args.classes is None else read_classes(args.classes)
    recognizer = build_recognizer(read_config_file(args.config), args.checkpoint)
    if classes is not None:
        head_of(recognizer).set_class_names(classes)
    if suffix == '.onnx':
        return export_onnx(recognizer, args.out, opset=args.opset, **options)
    return export_program(recognizer, args.out, **options)
