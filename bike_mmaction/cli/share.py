"""Share a trained model: a folder of data alone, or a repository of the Hub.

OUT is a folder, or hf-hub:ORG/NAME, a repository of the Hugging Face Hub, which is
made if there is none; log in with `hf auth login` first. Whoever has it names it in
--config of `bike infer` and other commands, and runs no code of it.
"""

import argparse
import os.path as osp
from typing import Any, Optional

from ..apis.hub.download import is_of_hub
from ..terminal import say
from .arguments import (
    add_model_arguments,
    check_folder,
    check_input,
    check_model_arguments,
)


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('out', metavar='OUT', help='where to, see above')
    add_model_arguments(parser)
    parser.add_argument(
        '--results',
        metavar='FILE',
        help='results.json of a test, for the model card (default: the card says that '
        'nothing was measured)',
    )
    parser.add_argument(
        '--license',
        help='for the model card, such as apache-2.0 (default: the card says none)',
    )
    hub = parser.add_argument_group('of the Hub')
    hub.add_argument('--private', action='store_true', help='if it is made')
    hub.add_argument('--revision', metavar='BRANCH', help='a branch, which is made')
    hub.add_argument('--pr', action='store_true', help='propose it as a pull request')
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before anything that takes long."""
    if not is_of_hub(args.out):
        if args.private or args.revision or args.pr:
            parser.error('--private, --revision and --pr are for OUT hf-hub:ORG/NAME')
        check_folder('OUT', args.out)
    check_input('--results', args.results)
    check_model_arguments(args)


def run(args: argparse.Namespace) -> None:
    """Write or upload, and say where it is."""
    from ..apis import read_classes
    from .models import make_inferencer

    bike = make_inferencer(args)
    if args.classes is not None:
        bike.set_classes(read_classes(args.classes))
    card: dict[str, Any] = dict(results=args.results, license=args.license)
    if not is_of_hub(args.out):
        bike.save_pretrained(args.out, **card)
        say(f"written to '{osp.join(args.out, '')}'")
        return
    private = args.private or None
    options = dict(private=private, revision=args.revision, create_pr=args.pr)
    say(bike.push_to_hub(args.out, **options, **card))
