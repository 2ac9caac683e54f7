"""Serve a web page on this machine: drop videos, name classes, look, search.

Several --config give a menu of models; --checkpoint is then given as often, in
the same order, with 'pretrained' for a model that brings its own weights. With
--index videos are searched by text, and without --config its model recognizes.

Needs Gradio: pip install 'bike_mmaction[web]'. Nothing is sent to or fetched
from other machines, but for weights that the config names.
"""

import argparse
import errno
import socket
from typing import TYPE_CHECKING, Optional

from ..datasets.embedding_store import read_about
from .arguments import Parser, add_model_choice, add_reading_arguments
from .search import open_index
from .values import count, limit, port, positive
from .web_models import choose_models, is_same, model_of_index

if TYPE_CHECKING:
    from ..apis import BIKEInferencer, VideoSearch

WORKERS = 2  # processes that read, for each visitor who waits for a result


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    add_model_choice(parser, index=True, many=True)
    add_reading_arguments(parser)
    parser.add_argument(
        '--index',
        metavar='FOLDER',
        help='search videos by text, too: in this folder, which `bike embed` has '
        'made. Visitors may see the videos that a search gives',
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen at (default: 127.0.0.1, this machine alone)',
    )
    parser.add_argument(
        '--port', type=port, help='to listen at (default: a free one from 7860 on)'
    )
    parser.add_argument(
        '--allow-host',
        action='append',
        default=[],
        metavar='NAME',
        help='a name by which visitors open the page, beside those of this machine, '
        'such as that of a proxy before it; may be given again',
    )
    parser.add_argument(
        '--proxy',
        action='append',
        default=[],
        metavar='ADDRESS',
        help='of a proxy on another machine, which says in X-Forwarded-For for whom '
        'it asks; those on this machine are believed anyway; may be given again',
    )
    add_limits(parser.add_argument_group('limits, above which a request is refused'))
    return parser


def add_limits(group: Parser) -> None:
    """Options of :class:`.Limits`."""
    group.add_argument(
        '--max-queue',
        type=count,
        default=20,
        help='requests that wait, of which one visitor may have a quarter '
        '(default: %(default)s)',
    )
    group.add_argument(
        '--max-seconds',
        type=limit,
        default=600,
        help='for one request; then what is done is shown (default: %(default)s)',
    )
    group.add_argument(
        '--max-upload',
        type=positive,
        default=2,
        metavar='GB',
        help='of a file (default: %(default)s)',
    )
    group.add_argument(
        '--max-disk',
        type=positive,
        default=10,
        metavar='GB',
        help='of all files that are kept (default: %(default)s)',
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    about = None if args.index is None else read_about(args.index)
    args.models = choose_models(parser, args, about)
    args.search = None if about is None else model_of_index(args, about)
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
    from ..web.limits import GB, Limits
    from ..web.page import WebPage, import_gradio

    import_gradio()  # before anything that takes long
    classes = None if args.classes is None else read_classes(args.classes)
    names = () if classes is None else load_class_names(classes)
    # Whatever a visitor's file does, the page goes on.
    bikes, index = make_models(args)
    limits = Limits(
        queue=args.max_queue,
        seconds=args.max_seconds,
        upload=int(args.max_upload * GB),
        disk=int(args.max_disk * GB),
    )
    page = WebPage(bikes, names, limits, args.allow_host, args.proxy, index)
    try:
        page.launch(bracketed(args.host), args.port)
    finally:
        page.close()


def make_models(
    args: argparse.Namespace,
) -> tuple[dict[str, 'BIKEInferencer'], Optional['VideoSearch']]:
    """The models by their names, and the index, if there is one."""
    from .models import make_inferencer

    bikes = {
        name: make_inferencer(model, WORKERS) for name, model in args.models.items()
    }
    if args.search is None:
        return bikes, None
    same = [bikes[n] for n, model in args.models.items() if is_same(model, args.search)]
    args.search.lexicon = None
    bike = same[0] if same else make_inferencer(args.search, 0)
    return bikes, open_index(bike, args.index)
