"""Recognize videos among classes that are named here and now.

A VIDEO is a file, a folder of videos or of the frames of one, the number of
a camera, or the address of a stream. With --window files are recognized
piece by piece. Without --config it is CLIP ViT-B/16 as it was pretrained,
which open_clip downloads once, with video concept spotting (VCS): frames
count by how much they show of a class.
"""

import argparse
import os.path as osp
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

from ..errors import WriteError
from ..files import is_stream, write_json
from ..shards import exists
from ..terminal import say
from .arguments import (
    add_model_arguments,
    add_result_arguments,
    check_folder,
    check_model_arguments,
    check_writable,
)
from .values import number

if TYPE_CHECKING:
    from ..apis import BIKEInferencer, Recognition

FORMATS = ('json', 'png', 'mp4', 'gif', 'srt', 'vtt')  # those of apis.pictures
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
    add_result_arguments(
        parser,
        below='it is none of these',
        window='recognize pieces of so many seconds (streams: 4)',
    )
    _add_outputs(parser)
    return parser


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out-dir', metavar='DIR', help='write results for each video')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        metavar='FORMAT',
        help=f'what to write there, of {" ".join(FORMATS)} (default: '
        f'{" ".join(WRITTEN)})',
    )
    parser.add_argument('--json', metavar='OUT', help='write all results')
    parser.add_argument(
        '--workers',
        type=number,
        metavar='N',
        help='processes that read while the model computes; a file that '
        'crashes one costs its own result alone. 0: none (default: up to 4 for '
        'several videos or windows, 1 for one video)',
    )


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
    if not streams and not any(map(exists, args.videos)):
        # Where some are there, these are recognized, and the others named.
        raise FileNotFoundError(f"no such file or folder: '{args.videos[0]}'")


def run(args: argparse.Namespace) -> int:
    """Recognize, print and write.

    Returns:
        int: 1 if some video could not be read.

    Raises:
        KeyboardInterrupt: after Ctrl-C, which keeps what is done; says how
            much.
    """
    from ..video import DamagedVideoWarning

    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DamagedVideoWarning)  # each result says it
        return infer(args)


def infer(args: argparse.Namespace) -> int:
    """See :func:`run`."""
    from ..apis import read_classes
    from .models import make_inferencer

    classes = None if args.classes is None else read_classes(args.classes)
    bike = make_inferencer(args, number_of_workers(args))
    options: dict[str, Any] = dict(
        topk=args.topk, threshold=bike.threshold_for(classes, args.threshold)
    )
    is_live = any(map(is_stream, args.videos))
    if is_live:
        window, stride = args.window or STREAM_WINDOW, args.stride or STREAM_STRIDE
        recognitions = bike.stream(args.videos[0], classes, window, stride, **options)
        results = watch(recognitions, keep=bool(args.json))
    else:
        results = []
        try:
            collect(recognize(args, bike, classes, options), results)
        except (KeyboardInterrupt, WriteError):  # --out-dir may be on another disk
            write_all(args.json, results)
            raise
    write_all(args.json, results)
    return any(result.error for result in results)


def number_of_workers(args: argparse.Namespace) -> Optional[int]:
    """As the user says; a file alone has one, so that its time has a limit."""
    first, *others = args.videos
    is_alone = not others and exists(first) and not osp.isdir(first)
    if args.workers is None and is_alone and args.window is None:
        return 1
    return args.workers


def recognize(
    args: argparse.Namespace, bike: 'BIKEInferencer', classes: Any, options: dict
) -> Iterator['Recognition']:
    """What is recognized in all files, whole or in windows, as it is done."""
    from ..apis import ResultWriter
    from ..apis.inference.sources import find_sources

    options = dict(options, progress=True)
    if args.out_dir:
        options['writer'] = ResultWriter(
            args.out_dir, args.formats or WRITTEN, options['threshold'], progress=True
        )
    if args.window is None:
        yield from bike.each(args.videos, classes, **options)
        return
    for source in find_sources(args.videos):
        yield from bike.each_window(
            source, classes, args.window, args.stride, **options
        )


def write_all(path: Optional[str], results: Sequence['Recognition']) -> None:
    """Write what is done, if there is a file for it."""
    if path:
        write_json(path, [result.to_dict() for result in results])


def collect(
    recognitions: Iterable['Recognition'], results: list['Recognition']
) -> None:
    """Print all at the end, also after Ctrl-C.

    Args:
        recognitions (Iterable[Recognition]): As they are done.
        results (list[Recognition]): To which they are added.

    Raises:
        KeyboardInterrupt: says how many are done.
    """
    from ..apis import describe

    try:
        for result in recognitions:
            results.append(result)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f'{len(results)} results are done') from None
    finally:
        for result in results:
            say(describe(result))


def watch(recognitions: Iterable['Recognition'], keep: bool) -> list['Recognition']:
    """Print until the stream ends, or until Ctrl-C; the results to keep."""
    from ..apis import describe

    results = []
    try:
        for result in recognitions:
            if keep:
                results.append(result)
            say(describe(result), flush=True)
    except KeyboardInterrupt:
        pass
    return results
