"""Recognize videos among classes that are named here and now.

Usage: python tools/infer.py VIDEO [VIDEO ...] --config CONFIG --checkpoint
CHECKPOINT --classes "playing chess,a dog,yoga" [--json OUT.json]

A VIDEO is a file, or a folder of videos or of the frames of one. With
--window each video is recognized piece by piece.
"""
import argparse
import json
import sys
from typing import List, Optional

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.apis.inferencer import BIKEInferencer, describe
from bike_mmaction.datasets.class_names import BUILT_IN


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('videos', nargs='+', metavar='VIDEO')
    parser.add_argument('--config', required=True)
    parser.add_argument(
        '--checkpoint',
        required=True,
        help="a checkpoint, or 'pretrained': the weights that the config "
        'names')
    parser.add_argument(
        '--classes',
        help='names, separated by commas; a file with a name a line or in '
        f"the form id,name; or one of {', '.join(BUILT_IN)} (default: those "
        'of the config)')
    parser.add_argument('--topk', type=int, default=5)
    parser.add_argument(
        '--threshold',
        type=float,
        default=0.,
        help='confidence below which it is none of these (default: 0)')
    parser.add_argument(
        '--window', type=float, help='recognize pieces of so many seconds')
    parser.add_argument(
        '--stride',
        type=float,
        help='from one piece to the next, in seconds (default: half of one)')
    parser.add_argument('--views', help='such as 4x3')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    parser.add_argument('--json', metavar='OUT', help='write all results')
    return parser.parse_args()


def read_classes(text: Optional[str]):
    """Names, or where they are."""
    return text.split(',') if text and ',' in text else text


def recognize(args: argparse.Namespace) -> List:
    """Recognize all videos, whole or in windows."""
    bike = BIKEInferencer(args.config, args.checkpoint, args.device,
                          args.views)
    options = dict(topk=args.topk, threshold=args.threshold, progress=True)
    classes = read_classes(args.classes)
    if args.window is None:
        return bike(args.videos, classes, **options)
    return [
        found for video in args.videos for found in bike.timeline(
            video, classes, args.window, args.stride, **options)
    ]


def main() -> None:
    args = parse_args()
    try:
        found = recognize(args)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(f'infer: {error}')
    for recognition in found:
        print(describe(recognition))
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as file:
            json.dump([r.to_dict() for r in found], file, indent=1)
    sys.exit(any(recognition.error for recognition in found))


if __name__ == '__main__':
    main()
