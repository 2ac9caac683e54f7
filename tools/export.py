"""Write a recognizer's video branch as ONNX or as a torch.export program.

Usage: python tools/export.py CONFIG CHECKPOINT OUT.onnx|OUT.pt2
[--classes "playing chess,a dog,yoga"]

The classes are part of what is written. ONNX needs the extra `export`:
pip install "bike_mmaction[export]"
"""

import argparse
import glob
import os.path as osp
import sys

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.apis.building import build_recognizer
from bike_mmaction.apis.export import (
    FORMATS,
    TOLERANCES,
    check_target,
    export_onnx,
    export_program,
)
from bike_mmaction.datasets.class_names import BUILT_IN
from bike_mmaction.datasets.typed_names import read_classes
from bike_mmaction.models.video_branch import head_of


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config')
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
    parser.add_argument('--opset', type=int, help="of ONNX (default: torch's choice)")
    parser.add_argument(
        '--batch',
        type=int,
        help='clips at once, for runtimes that want it fixed (default: any)',
    )
    parser.add_argument(
        '--no-check',
        action='store_true',
        help='do not compare with PyTorch on random frames',
    )
    return parser.parse_args()


def export(args: argparse.Namespace) -> dict:
    """Build, write and compare; the largest differences."""
    options = dict(batch=args.batch, check=not args.no_check)
    as_onnx = check_target(args.out) == '.onnx'
    if as_onnx:
        options['opset'] = args.opset
    elif args.opset is not None:
        raise ValueError('--opset is for .onnx files')
    classes = None if args.classes is None else read_classes(args.classes)
    recognizer = build_recognizer(args.config, args.checkpoint)
    if classes is not None:
        head_of(recognizer).set_class_names(classes)
    return (export_onnx if as_onnx else export_program)(recognizer, args.out, **options)


def main() -> None:
    args = parse_args()
    try:
        differences = export(args)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f'export: {error}')
    for name, value in differences.items():
        print(
            f'{name}: at most {value:.1e} from PyTorch '
            f'(allowed: {TOLERANCES[name]:.0e})'
        )
    files = [args.out, *glob.glob(f'{glob.escape(args.out)}.data')]
    size = sum(map(osp.getsize, files)) / 2**20
    print(f'{size:.1f} MiB written to {" and ".join(files)}')


if __name__ == '__main__':
    main()
