"""Serve a web page on this machine: drop a video, name classes, look.

Usage: python tools/web.py [--config CONFIG --checkpoint CHECKPOINT]
[--classes "chess,a dog"] [--lexicon kinetics400]

Needs Gradio: pip install 'bike_mmaction[web]'. Nothing is sent to or fetched
from other machines, but for weights that the config names.
"""

import argparse
import signal
import sys

import bike_mmaction  # noqa: F401  (before mmaction)
from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.cli.arguments import add_model_arguments
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.datasets.typed_names import read_classes
from bike_mmaction.web.page import WebPage, import_gradio


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen at (default: 127.0.0.1, this machine alone)',
    )
    parser.add_argument('--port', type=int, help='(default: a free one from 7860 on)')
    return parser.parse_args()


def make_page(args: argparse.Namespace) -> WebPage:
    """Build the recognizer, and the page around it."""
    import_gradio()  # before anything that takes long
    classes, lexicon = (
        None if text is None else read_classes(text)
        for text in (args.classes, args.lexicon)
    )
    names = () if classes is None else load_class_names(classes)
    bike = BIKEInferencer(
        args.config, args.checkpoint, args.device, args.views, lexicon
    )
    return WebPage(bike, names or bike.classes)


def main() -> None:
    args = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        page = make_page(args)
        try:
            page.launch(args.host, args.port)
        finally:
            page.close()
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(f'web: {error}')


if __name__ == '__main__':
    main()
