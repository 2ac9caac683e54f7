"""Find videos by text, and when it is in them.

INDEX is a folder that `bike embed` has made. Each TEXT is described as a class
is, such as "a person opens a door". Of each video that is found there is the
moment that fits best: begin and end, in seconds.
"""

import argparse
import os.path as osp
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from ..datasets.embedding_store import read_about
from ..datasets.prompts import load_prompts
from ..datasets.tables import WRITABLE, Field, write_table
from ..files import replaced, write_json
from ..shipped import PRETRAINED, find_config
from ..terminal import clock, say
from .arguments import add_model_choice, check_model_arguments, check_writable
from .table_arguments import check_table_output
from .values import checked, count, positive

if TYPE_CHECKING:
    from ..apis import BIKEInferencer, Match, VideoSearch

FIELDS = (
    Field('query'),
    Field('video'),
    Field('score', 'number'),
    Field('start', 'number'),
    Field('end', 'number'),
    Field('peak', 'number'),
)


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('index', metavar='INDEX', help='see above')
    parser.add_argument('texts', nargs='+', metavar='TEXT', help='what to find')
    parser.add_argument(
        '--topk', type=count, default=5, help='videos for each text (default: 5)'
    )
    parser.add_argument(
        '--window',
        type=positive,
        metavar='SECONDS',
        help='score stretches of so many seconds; shorter ones suit briefer events '
        '(default: as many frames as the model sees of a clip)',
    )
    parser.add_argument(
        '--prompt',
        type=checked(load_prompts),
        help="other words around each text, with '{}' for it; '{}' alone: none "
        "(default: the model's, such as 'This is a video about {}')",
    )
    parser.add_argument('--json', metavar='OUT', help='write the results as JSON')
    parser.add_argument(
        '--out', metavar='TABLE', help=f'write them as a table: {", ".join(WRITABLE)}'
    )
    add_model_choice(parser, index=True)
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    parser.set_defaults(classes=None, lexicon=None, views=None, time_limit=None)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before torch is imported; the model of the index."""
    about = read_about(args.index)
    if not all(text.strip() for text in args.texts):
        parser.error(f'TEXT is empty, in {args.texts}: say what to find')
    check_table_output(parser, args.out)
    check_writable('--json', args.json)
    if args.config is None:
        use_model_of(about, args)
    args.checkpoint = args.checkpoint or PRETRAINED
    check_model_arguments(args)


def use_model_of(about: dict, args: argparse.Namespace) -> None:
    """Let the model be the one that made an index.

    Args:
        about (dict): What the index says of itself.
        args (Namespace): With the option ``index``; gets those of a model, but
            for weights that it names.

    Raises:
        FileNotFoundError: as :func:`config_of`.
    """
    args.config = config_of(about, args.index)
    if args.pretrained is None and osp.isfile(about.get('pretrained') or ''):
        args.pretrained = about['pretrained']
    if args.checkpoint is None:
        args.checkpoint = (about.get('checkpoint') or {}).get('file')


def config_of(about: dict, index: str) -> str:
    """The config that made an index; a shipped one wherever it lies now.

    Raises:
        FileNotFoundError: if there is none any more.
    """
    path = about.get('config') or ''
    if osp.isfile(path):
        return path
    try:
        return find_config(osp.splitext(osp.basename(path))[0])
    except FileNotFoundError:
        raise FileNotFoundError(
            f"'{index}' was made with the config '{path}', which is not there any "
            'more: name it, --config FILE'
        ) from None


def run(args: argparse.Namespace) -> None:
    """Search, print and write."""
    from .models import make_inferencer

    index = open_index(make_inferencer(args, 0), args.index)
    texts = list(dict.fromkeys(args.texts))
    results = index(texts, args.topk, args.window)
    for text, matches in zip(texts, results):
        show(text, matches)
    rows = [match.to_dict() for matches in results for match in matches]
    if args.json:
        write_json(args.json, rows)
    if args.out:
        with replaced(args.out) as draft, write_table(draft, FIELDS) as write:
            write(rows)


def open_index(bike: 'BIKEInferencer', folder: str) -> 'VideoSearch':
    """The index of a folder; its warnings are told in a line."""
    from ..apis import VideoSearch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        index = VideoSearch(bike, folder)
    for warning in caught:
        say(f'warning: {warning.message}')
    return index


def show(text: str, matches: Sequence['Match']) -> None:
    """A text, and a line for each video."""
    say(f'{text}:')
    spans = [f'{clock(match.start, 1)} - {clock(match.end, 1)}' for match in matches]
    width = max(map(len, spans), default=0)
    for match, span in zip(matches, spans):
        gone = '' if osp.exists(match.video) else '  (not there any more)'
        say(f'  {match.score:.3f}  {span:<{width}}  {match.video}{gone}')
