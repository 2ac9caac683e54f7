"""Serve a web page on this machine: drop a video, name classes, look.

Needs Gradio: pip install 'bike_mmaction[web]'. Nothing is sent to or fetched
from other machines, but for weights that the config names.
"""

import argparse
import signal
import sys
from typing import Optional

from .arguments import add_model_arguments, check_model_arguments

WORKERS = 2  # processes that read, for each visitor who waits for a result


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(
        prog, description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen at (default: 127.0.0.1, this machine alone)',
    )
    parser.add_argument('--port', type=int, help='(default: a free one from 7860 on)')
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    check_model_arguments(args)


def run(args: argparse.Namespace) -> None:
    """Serve until it is stopped."""
    from ..datasets.class_names import load_class_names
    from ..datasets.typed_names import read_classes
    from ..web.page import WebPage, import_gradio
    from .models import make_inferencer

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    import_gradio()  # before anything that takes long
    classes = None if args.classes is None else read_classes(args.classes)
    names = () if classes is None else load_class_names(classes)
    # Whatever a visitor's file does, the page goes on.
    bike = make_inferencer(args, workers=WORKERS)
    page = WebPage(bike, names or bike.classes)
    try:
        page.launch(args.host, args.port)
    finally:
        page.close()
