"""Recognize videos among classes that are named here and now.

A VIDEO is a file, a folder of videos or of the frames of one, the number of
a camera, or the address of a stream. With --window files are recognized
piece by piece. Without --config it is CLIP ViT-B/16 as it was pretrained,
which open_clip downloads once, with video concept spotting (VCS): frames
count by how much they show of a class.
"""

import argparse
import os.path as osp
from collections.abc import Iterable
from typing import Any, Optional

from ..files import is_stream, write_json
from .arguments import (
    add_model_arguments,
    check_folder,
    check_model_arguments,
    check_writable,
)
from .values import count, positive, share

FORMATS = ('json', 'png', 'mp4', 'gif')  # those of apis.pictures
WRITTEN = FORMATS[:3]  # unless --formats says otherwise
# Seconds that are recognized of a stream at once, and from one to the next.
STREAM_WINDOW, STREAM_STRIDE = 4.0, 1.0


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument(
        'videos', nargs='+', metavar='VIDEO', help='what to recognize, see above'
    )
    add_model_arguments(parser)
    parser.add_argument(
        '--topk',
        type=count,
        default=5,
        help='how many classes to name, those of the highest confidence (default: 5)',
    )
    parser.add_argument(
        '--threshold',
        type=share,
        default=0.0,
        help='confidence below which it is none of these (default: 0)',
    )
    parser.add_argument(
        '--window',
        type=positive,
        help='recognize pieces of so many seconds (streams: 4)',
    )
    parser.add_argument(
        '--stride',
        type=positive,
        help='from one piece to the next, in seconds (default: half of one)',
    )
    parser.add_argument('--out-dir', metavar='DIR', help='write results for each video')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        help=f'what to write there (default: {" ".join(WRITTEN)})',
    )
    parser.add_argument('--json', metavar='OUT', help='write all results')
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    streams = any(map(is_stream, args.videos))
    if streams and (len(args.videos) > 1 or args.out_dir):
        parser.error('a camera or stream must be alone, and has no --out-dir')
    if args.formats and not args.out_dir:
        parser.error('--formats needs --out-dir')
    if args.stride and not (args.window or streams):
        parser.error('--stride needs --window')
    check_writable('--json', args.json)
    check_folder('--out-dir', args.out_dir)
    check_model_arguments(args)
    if not streams and not any(map(osp.exists, args.videos)):
        # Where some are there, these are recognized, and the others named.
        raise FileNotFoundError(f"no such file or folder: '{args.videos[0]}'")


def run(args: argparse.Namespace) -> bool:
    """Recognize, print and write; whether some video could not be read."""
    results = recognize(args)
    if args.json:
        write_json(args.json, [result.to_dict() for result in results])
    return any(result.error for result in results)


def recognize(args: argparse.Namespace) -> list:
    """Recognize all videos, whole or in windows."""
    from ..apis import ResultWriter, describe, read_classes
    from ..apis.sources import find_sources
    from .models import make_inferencer

    classes = None if args.classes is None else read_classes(args.classes)
    bike = make_inferencer(args)
    options: dict[str, Any] = dict(topk=args.topk, threshold=args.threshold)
    if any(map(is_stream, args.videos)):
        window, stride = args.window or STREAM_WINDOW, args.stride or STREAM_STRIDE
        stream = bike.stream(args.videos[0], classes, window, stride, **options)
        return watch(stream, keep=bool(args.json))
    if args.out_dir:
        options['writer'] = ResultWriter(
            args.out_dir, args.formats or WRITTEN, args.threshold, progress=True
        )
    options['progress'] = True
    if args.window is None:
        results = bike(args.videos, classes, **options)
    else:
        results = [
            result
            for source in find_sources(args.videos)
            for result in bike.timeline(
                source, classes, args.window, args.stride, **options
            )
        ]
    for result in results:
        print(describe(result))
    return results


def watch(stream: Iterable, keep: bool) -> list:
    """Print until the stream ends, or until Ctrl-C; the results to keep."""
    from ..apis import describe

    results = []
    try:
        for result in stream:
            if keep:
                results.append(result)
            print(describe(result), flush=True)
    except KeyboardInterrupt:
        pass
    return results
