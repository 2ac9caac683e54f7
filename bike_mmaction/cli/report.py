"""Make a page about a test: how good, which mistakes, what to do next.

SCORES is what `bike test --dump` has written, of any data set; or a data folder
that `bike train` has trained, which brings all else (of several trainings the
newest; `bike report mydata/runs/frozen` is of that one). The page is one HTML file
that needs no server. With a model it shows the frames of the worst mistakes,
and what the model looked at.
"""

import argparse
import os.path as osp
from collections.abc import Sequence
from typing import Optional

from ..shipped import PRETRAINED
from ..terminal import say
from .arguments import (
    add_time_limit,
    check_input,
    check_model_arguments,
    check_names,
    check_output,
)
from .values import number

OUT, SUFFIXES = 'report.html', ('.html', '.htm')


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog, description=__doc__)
    parser.add_argument('scores', metavar='SCORES', help='see above')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help=f'the page (default: {OUT}; of a data folder: runs/WAY/{OUT} in it)',
    )
    parser.add_argument(
        '--classes', help='names: a file, or a built-in list (default: of the model)'
    )
    parser.add_argument(
        '--results', metavar='JSON', help='results.json of the test: what was tested'
    )
    parser.add_argument(
        '--log',
        metavar='PATH',
        help='folder of the training, or its scalars.json: learning curves',
    )
    parser.add_argument(
        '--train-list',
        metavar='FILE',
        help='the list that was trained on: clips of each class',
    )
    parser.add_argument(
        '--config',
        help='the model, for frames: a file, a shipped config, or a folder of '
        '`bike train` (default: that of the data folder, if it is one)',
    )
    parser.add_argument('--checkpoint', help='its weights, if the config has none')
    parser.add_argument(
        '--mistakes', type=number, default=8, help='how many to show (default: 8)'
    )
    parser.add_argument('--title', help='of the page')
    parser.add_argument('--device', help='such as cpu (default: GPU if any)')
    add_time_limit(parser)
    parser.set_defaults(pretrained=None, lexicon=None, views=None)
    return parser


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be said before torch is imported."""
    if not osp.exists(args.scores):
        raise FileNotFoundError(
            f"'{args.scores}' does not exist: name a file of `bike test --dump`, "
            'or a folder of `bike train`'
        )
    for name in ('results', 'log', 'train_list'):
        check_input(f'--{name.replace("_", "-")}', getattr(args, name))
    if args.out and not args.out.endswith(SUFFIXES):
        parser.error(f"--out '{args.out}' must end with .html")
    check_output('--out', args.out)
    if args.checkpoint and not args.config and not osp.isdir(args.scores):
        parser.error('--checkpoint needs --config')
    check_names('--classes', args.classes)
    if args.config:
        args.checkpoint = args.checkpoint or PRETRAINED
        check_model_arguments(args)


def run(args: argparse.Namespace) -> None:
    """Make the page."""
    from ..report.data_folder import data_folder_of, files_of_run, runs_of
    from ..report.making import Inputs, write_report

    inputs, out = Inputs(args.scores), args.out or OUT
    if osp.isdir(args.scores):
        run, *others = runs_of(args.scores)
        folder = data_folder_of(run)
        _say_which(run, others)
        inputs, place = files_of_run(folder, run)
        out = args.out or place
        _use_model_of(args, folder, osp.basename(osp.abspath(run)))
    given = {
        name: getattr(args, name)
        for name in ('classes', 'results', 'log', 'train_list', 'title')
        if getattr(args, name) is not None
    }
    inputs = inputs._replace(**given)
    bike = None
    if args.config:
        from .models import make_inferencer

        bike = make_inferencer(args, 0)
    write_report(inputs, out, bike, args.mistakes)
    say(f"report: '{out}'; open it in a browser")


def _say_which(run: str, others: Sequence[str]) -> None:
    """Of several trainings the newest is shown."""
    if others:
        say(
            f"of the training '{run}', the newest; for another one name its folder: "
            f'{", ".join(others)}'
        )


def _use_model_of(args: argparse.Namespace, folder: str, run: str) -> None:
    """The model of a data folder, if it comes from this run."""
    from ..report.data_folder import run_of_model
    from ..shipped import MODEL_FOLDER, WEIGHTS, find_model

    model = osp.join(folder, MODEL_FOLDER)
    if args.config is not None or not osp.isfile(osp.join(model, WEIGHTS)):
        return
    other = run_of_model(folder)
    if args.checkpoint is None and other not in ('', run):
        say(
            f"no frames: '{model}' is of the training '{other}', not of '{run}'; name "
            'the model of this one by --config and --checkpoint'
        )
        return
    args.config, args.checkpoint = find_model(folder, args.checkpoint or PRETRAINED)
