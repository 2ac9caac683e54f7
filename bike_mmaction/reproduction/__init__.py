"""Tables of the paper, reproduced with the data and checkpoints at hand."""

from ..shipped import find_shipped
from .index import Index, read_index
from .plan import PlannedRow, Planner
from .preview import preview
from .reproduce import reproduce
from .rows import TABLES, Row, rows_of, select
from .settings import Settings, parse_checkpoints

__all__ = [
    'TABLES',
    'Index',
    'PlannedRow',
    'Planner',
    'Row',
    'Settings',
    'find_shipped',
    'parse_checkpoints',
    'preview',
    'read_index',
    'reproduce',
    'rows_of',
    'select',
]
