"""Write a recognizer's video branch as ONNX or as a torch.export program.

The video branch compares frames with class names; what is found by attributes
is not exported. The classes are part of what is written. ONNX needs the extra `export`:
pip install "bike_mmaction[export]"
"""

import argparse
import glob
import os.path as osp
from typing import TYPE_CHECKING, Any, Optional, Union

from ..apis.hub.download import local_model
from ..datasets.class_names import BUILT_IN
from ..shipped import find_config, find_model, find_shared
from ..terminal import say
from .arguments import check_checkpoint, check_input, check_names, check_output
from .values import count

if TYPE_CHECKING:
    from ..apis.int8 import Agreement

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
    _add_int8(parser)
    return parser


def _add_int8(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--int8',
        action='store_true',
        help='weights of 8 bits in an .onnx file, for CPUs; prints how far its results '
        'are from those in float32',
    )
    parser.add_argument(
        '--videos',
        nargs='+',
        metavar='VIDEO',
        default=[],
        help='files or folders that --int8 is compared on (default: random clips)',
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find the config and the checkpoint; refuse what cannot be written."""
    if args.opset is not None and not args.out.endswith('.onnx'):
        raise ValueError('--opset is for .onnx files')
    _check_int8(args)
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


def _check_int8(args: argparse.Namespace) -> None:
    if args.int8 and not args.out.endswith('.onnx'):
        raise ValueError('--int8 is for .onnx files')
    if args.int8 and args.no_check:
        raise ValueError('--int8 always compares: leave --no-check out')
    if args.videos and not args.int8:
        raise ValueError('--videos are what --int8 is compared on: add --int8')
    for path in args.videos:
        check_input('--videos', path)


def run(args: argparse.Namespace) -> None:
    """Write, compare and report."""
    from ..apis.export import TOLERANCES

    figures = export(args)
    if isinstance(figures, dict):
        for name, value in figures.items():
            say(
                f'{name}: at most {value:.1e} from PyTorch '
                f'(allowed: {TOLERANCES[name]:.0e})'
            )
    else:
        _say_agreement(figures, random=not args.videos)
    files = [args.out, *glob.glob(f'{glob.escape(args.out)}.data')]
    size = sum(map(osp.getsize, files)) / 2**20
    say(f'{size:.1f} MiB written to {" and ".join(files)}')


def _say_agreement(figures: 'Agreement', random: bool) -> None:
    clips = 'random clips' if random else 'clips'
    say(
        f'int8 against float32: the same first class on {figures.same_class} of '
        f'{figures.clips} {clips}; cosines differ by {figures.mean_cosine:.1e}, at '
        f'most {figures.cosine:.1e}, confidences by at most {figures.confidence:.1e}; '
        f'{figures.size:.2f} of the size'
    )
    if random:
        say('random clips look like no video: name some by --videos to know more')


def export(args: argparse.Namespace) -> Union[dict[str, float], 'Agreement']:
    """Build, write and compare; the largest differences."""
    from ..apis import build_recognizer, read_classes
    from ..apis.export import check_target, export_onnx, export_program
    from ..apis.int8 import export_int8
    from ..models.video_branch import head_of
    from .mmaction_tools import read_config_file

    suffix = check_target(args.out)
    options: dict[str, Any] = dict(batch=args.batch, check=not args.no_check)
    classes = None if args.classes is None else read_classes(args.classes)
    recognizer = build_recognizer(read_config_file(args.config), args.checkpoint)
    if classes is not None:
        head_of(recognizer).set_class_names(classes)
    if args.int8:
        more = dict(opset=args.opset, batch=args.batch, videos=args.videos)
        return export_int8(recognizer, args.out, **more)
    if suffix == '.onnx':
        return export_onnx(recognizer, args.out, opset=args.opset, **options)
    return export_program(recognizer, args.out, **options)
