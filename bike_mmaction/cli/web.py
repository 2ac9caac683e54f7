"""Serve a web page on this machine: drop a video, name classes, look.

Needs Gradio: pip install 'bike_mmaction[web]'. Nothing is sent to or fetched
from other machines, but for weights that the config names.
"""

import argparse
import errno
import signal
import socket
import sys
from typing import Optional

from .arguments import add_model_arguments, check_model_arguments
from .values import port

WORKERS = 2  # processes that read, for each visitor who waits for a result


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    add_model_arguments(parser)
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen at (default: 127.0.0.1, this machine alone)',
    )
    parser.add_argument(
        '--port', type=port, help='to listen at (default: a free one from 7860 on)'
    )
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    check_model_arguments(args)
    check_address(args.host, args.port)


def check_address(host: str, port: Optional[int]) -> None:
    """Refuse an address at which this machine cannot listen.

    Raises:
        OSError: naming the option.
    """
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            host.strip('[]'), port or 0, type=socket.SOCK_STREAM
        )[0]
    except (OSError, UnicodeError) as error:
        raise OSError(f"--host '{host}' is no address of this machine") from error
    with socket.socket(kind, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                what = f"--host '{host}' is no address of this machine"
            else:
                what = f'--port {port} cannot be used: {error.strerror}; name another'
            raise OSError(what) from error


def bracketed(host: str) -> str:
    """An IPv6 address as it stands in a web address, and as Gradio wants it."""
    return f'[{host}]' if ':' in host and not host.startswith('[') else host


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
        page.launch(bracketed(args.host), args.port)
    finally:
        page.close()
