"""The arguments of MMAction2's ``train.py`` and ``test.py``.

MMAction2's files import torch before they read any argument, so that these
tables repeat them; a test compares them with the installed MMAction2.
"""

from mmengine.config import DictAction

from .arguments import LAUNCHERS, Parser

COMMON: list[tuple[tuple[str, ...], dict]] = [
    (
        ('--cfg-options',),
        dict(
            nargs='+',
            action=DictAction,
            metavar='KEY=VALUE',
            help='override options of the config, such as '
            'train_dataloader.batch_size=8; values may be lists and tuples, as in '
            'key="[(a,b),(c,d)]", with the quotes and without spaces',
        ),
    ),
    (
        ('--launcher',),
        dict(choices=list(LAUNCHERS), default='none', help='how processes start'),
    ),
    (('--local_rank', '--local-rank'), dict(type=int, default=0)),
]
TRAIN: list[tuple[tuple[str, ...], dict]] = [
    (('config',), dict(help='a file or a shipped config, such as bike_vitl14_k400')),
    (('--work-dir',), dict(help='where logs and checkpoints are written')),
    (
        ('--resume',),
        dict(
            nargs='?',
            const='auto',
            type=str,
            metavar='CHECKPOINT',
            help='go on from a checkpoint; without one, from the last in the work '
            'directory',
        ),
    ),
    (('--amp',), dict(action='store_true', help='automatic mixed precision')),
    (
        ('--no-validate',),
        dict(action='store_true', help='no validation during training'),
    ),
    (
        ('--auto-scale-lr',),
        dict(
            action='store_true', help='learning rate in proportion to the total batch'
        ),
    ),
    (('--seed',), dict(type=int, help='of all that is random')),
    (
        ('--diff-rank-seed',),
        dict(action='store_true', help='another seed for each process'),
    ),
    (
        ('--deterministic',),
        dict(action='store_true', help='the same results at each run, slower'),
    ),
    *COMMON,
]
TEST: list[tuple[tuple[str, ...], dict]] = [
    (('config',), dict(help='a file or a shipped config, such as bike_vitl14_k400')),
    (
        ('checkpoint',),
        dict(
            help="a file, or 'pretrained': the weights that the config names, as "
            'they are'
        ),
    ),
    (('--work-dir',), dict(help='where logs and results are written')),
    (('--dump',), dict(type=str, metavar='FILE.pkl', help='file for all scores')),
    (
        ('--show-dir',),
        dict(help='folder for pictures of the frames that the model sees'),
    ),
    (('--show',), dict(action='store_true', help='show these in a window')),
    (
        ('--interval',),
        dict(type=int, default=1, help='pictures of each such sample only'),
    ),
    (
        ('--wait-time',),
        dict(type=float, default=2, help='seconds that a window is shown'),
    ),
    *COMMON,
]


def add_arguments(parser: Parser, table: list[tuple[tuple[str, ...], dict]]) -> None:
    """Add the arguments of a table, ``TRAIN`` or ``TEST``."""
    for names, options in table:
        parser.add_argument(*names, **options)
