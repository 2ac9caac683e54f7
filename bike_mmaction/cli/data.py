"""Make a data folder of your own clips: lists, class names, config, a picture.

SOURCE is a folder with a folder for each class (train, val and test above them
or not), a table with columns path,label or path,start,end,label, an export of
Label Studio (.json) or of CVAT (.xml, .zip), or a list of MMAction2 (.txt).
What cannot be used is named; all of it stands in OUT/data.json.
"""

import argparse
import os.path as osp
import re
from typing import Optional

from ..datasets.class_names import load_class_names
from ..datasets.shares import read_shares
from ..shipped import DEFAULT_CONFIG, find_config
from ..terminal import say
from .arguments import add_time_limit, check_folder, check_input
from .values import check_pretrained, checked, count, positive, seed

FULL = 20  # times the time limit, where all frames are read
SHARES = '70,15,15'


def parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(
        prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'sources', metavar='SOURCE', nargs='+', help='what to read, see above'
    )
    parser.add_argument('--out', required=True, help='the data folder, which is made')
    parser.add_argument(
        '--base',
        metavar='CONFIG',
        help='the model to train: a file or a shipped config (default: '
        f'{DEFAULT_CONFIG}; with --overwrite that of the earlier call)',
    )
    parser.add_argument(
        '--pretrained',
        metavar='FILE',
        help="weights of CLIP (default: those that the config names): OpenAI's .pt, "
        'what open_clip saves, a folder with open_clip_config.json, or hf-hub:org/repo',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace the files of an earlier call; a config.py that was changed '
        'stays, other changed files stay as FILE.old1',
    )
    _add_reading(parser.add_argument_group('how sources are read'))
    _add_splitting(parser.add_argument_group('how clips are parted'))
    _add_checking(parser.add_argument_group('how files are checked'))
    return parser


def _add_reading(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--root',
        metavar='DIR',
        help='folder that relative paths begin in; what lies outside is left out '
        '(default: where the source or the process is, whichever has the files)',
    )
    group.add_argument(
        '--classes',
        metavar='FILE',
        type=checked(load_class_names),
        help='the classes to use, in this order, a name a line; needed for lists, '
        'whose labels are numbers, unless classes.txt lies beside them',
    )
    for name, default in dict(path='path', label='label', group='group').items():
        group.add_argument(
            f'--{name}-column',
            metavar='NAME',
            help=f"of a table (default: '{default}', or what is usual)",
        )
    group.add_argument(
        '--separator',
        metavar='SIGNS',
        default=';|',
        help="signs that part several labels in a table (default: '%(default)s')",
    )
    group.add_argument(
        '--frame-rate',
        type=positive,
        metavar='FPS',
        help='frameRate of the <Video> tag in Label Studio (default: the frames are '
        'those of the files)',
    )
    _add_labels(group.add_mutually_exclusive_group())


def _add_labels(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument(
        '--multi-label',
        action='store_true',
        default=None,
        help='a clip may have several labels, or none (default: if one has several)',
    )
    group.add_argument(
        '--one-label',
        dest='multi_label',
        action='store_false',
        help='a clip has one label; those with several are left out',
    )


def _add_splitting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--shares',
        default=SHARES,
        type=checked(read_shares),
        metavar='TRAIN,VAL,TEST',
        help='of each class (default: %(default)s); parts that are given stay, those '
        'that are absent are taken from train',
    )
    group.add_argument('--seed', type=seed, default=0, help='of the split (default: 0)')
    group.add_argument(
        '--group-by',
        metavar='REGEX',
        help='what clips of one recording have in common in their paths, such as '
        "'g\\d+'; they stay in one part, as clips of one file always do",
    )


def _add_checking(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--min-frames',
        type=count,
        default=1,
        help='clips with fewer are left out (default: 1)',
    )
    group.add_argument(
        '--full',
        action='store_true',
        help='read every frame (slow), not the first, middle and last only; within '
        f'{FULL} times the time limit',
    )
    group.add_argument(
        '--workers', type=count, default=4, help='processes (default: 4)'
    )
    add_time_limit(group)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what cannot be read or written, before any work."""
    for source in args.sources:
        check_input('SOURCE', source)
    args.base = args.base and find_config(args.base)
    check_input('--root', args.root)
    check_pretrained(args.pretrained)
    check_folder('--out', args.out)
    try:
        re.compile(args.group_by or '')
    except re.error as error:
        parser.error(f'--group-by: {args.group_by!r} is no regular expression: {error}')


def run(args: argparse.Namespace) -> None:
    """Make the folder, and say what was found."""
    from mmaction.utils import register_all_modules

    from ..apis import prepare_data

    register_all_modules()
    options = dict(vars(args))
    options['shares'] = read_shares(args.shares)
    options['time_limit'] = args.time_limit * (FULL if args.full else 1)
    data = prepare_data(**options)
    for remark in data.remarks:
        say(remark)
    for warning in data.warnings:
        say(f'WARNING: {warning}')
    parts = ', '.join(f'{data.parts.count(p)} {p}' for p in ('train', 'val', 'test'))
    say(f'{args.out}: {len(data.classes)} classes, {len(data.clips)} clips ({parts})')
    say(f'written: {", ".join(osp.basename(path) for path in data.written)}')
    say(f'look at {osp.join(args.out, "data.png")}, then: bike train {args.out}')
