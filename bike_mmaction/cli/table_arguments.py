"""Arguments of commands whose videos come in lists and tables."""

from ..datasets.video_table import PATH
from .arguments import Parser


def add_table_arguments(parser: Parser) -> None:
    """Options of commands that take videos of lists and tables."""
    parser.add_argument(
        '--path-column',
        default=PATH,
        metavar='NAME',
        help=f'column of a table that has the paths (default: {PATH})',
    )
    parser.add_argument(
        '--root',
        default='',
        metavar='DIR',
        help='folder in which relative paths of a list or table begin (default: .)',
    )
