"""Recognize videos among classes that are named here and now.

Usage: python tools/infer.py VIDEO [VIDEO ...] --classes "chess,a dog,yoga"
[--config CONFIG --checkpoint CHECKPOINT] [--out-dir DIR] [--json OUT.json]

A VIDEO is a file, a folder of videos or of the frames of one, the number of
a camera, or the address of a stream. With --window files are recognized
piece by piece. Without --config it is CLIP ViT-B/16 as it was pretrained,
which open_clip downloads once.
"""

import argparse
import json
import os
import os.path as osp
import sys

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.apis import BIKEInferencer, ResultWriter, describe
from bike_mmaction.apis.pictures import FORMATS
from bike_mmaction.apis.sources import find_sources
from bike_mmaction.apis.streams import is_stream
from bike_mmaction.cli.arguments import add_model_arguments
from bike_mmaction.datasets.typed_names import read_classes


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('videos', nargs='+', metavar='VIDEO')
    add_model_arguments(parser)
    parser.add_argument('--topk', type=int, default=5)
    parser.add_argument(
        '--threshold',
        type=float,
        default=0.0,
        help='confidence below which it is none of these (default: 0)',
    )
    parser.add_argument(
        '--window', type=float, help='recognize pieces of so many seconds (streams: 4)'
    )
    parser.add_argument(
        '--stride',
        type=float,
        help='from one piece to the next, in seconds (default: half of one)',
    )
    parser.add_argument('--out-dir', metavar='DIR', help='write results for each video')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        default=['json', 'png', 'mp4'],
        help='what to write there (default: json png mp4)',
    )
    parser.add_argument('--json', metavar='OUT', help='write all results')
    return parser.parse_args()


def recognize(args: argparse.Namespace) -> list:
    """Recognize all videos, whole or in windows."""
    classes, lexicon = (
        None if text is None else read_classes(text)
        for text in (args.classes, args.lexicon)
    )
    bike = BIKEInferencer(
        args.config, args.checkpoint, args.device, args.views, lexicon
    )
    options = dict(topk=args.topk, threshold=args.threshold)
    if any(map(is_stream, args.videos)):
        if len(args.videos) > 1 or args.out_dir:
            raise ValueError('a camera or stream must be alone, and has no --out-dir')
        stream = bike.stream(
            args.videos[0], classes, args.window or 4.0, args.stride or 1.0, **options
        )
        return watch(stream, keep=bool(args.json))
    if args.out_dir:
        options['writer'] = ResultWriter(
            args.out_dir, args.formats, args.threshold, progress=True
        )
    options['progress'] = True
    if args.window is None:
        found = bike(args.videos, classes, **options)
    else:
        found = [
            found
            for source in find_sources(args.videos)
            for found in bike.timeline(
                source, classes, args.window, args.stride, **options
            )
        ]
    for recognition in found:
        print(describe(recognition))
    return found


def watch(stream, keep: bool) -> list:
    """Print until the stream ends, or until Ctrl-C."""
    found = []
    try:
        for recognition in stream:
            if keep:
                found.append(recognition)
            print(describe(recognition), flush=True)
    except KeyboardInterrupt:
        pass
    return found


def check_writable(path: str) -> None:
    """Fail early where a file cannot be written."""
    folder = osp.dirname(osp.abspath(path))
    if osp.isdir(path) or not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot write '{path}': no such folder, or not writable")


def write_json(path: str, found: list) -> None:
    """Write all results into one file."""
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(
            [recognition.to_dict() for recognition in found],
            file,
            indent=1,
            ensure_ascii=False,
        )


def main() -> None:
    args = parse_args()
    try:
        if args.json:  # before anything that takes long
            check_writable(args.json)
        found = recognize(args)
        if args.json:
            write_json(args.json, found)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(f'infer: {error}')
    sys.exit(any(recognition.error for recognition in found))


if __name__ == '__main__':
    main()
