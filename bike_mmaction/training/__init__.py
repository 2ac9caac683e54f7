from .finite import CheckFinite
from .loop import AnySizeTrainLoop
from .resume import CheckResume
from .schedule import check_schedule, set_epochs
from .start import CheckStart

# By the names that they have in `default_hooks` of the configs.
CHECKS = dict(
    check_start=dict(type='CheckStart'),
    check_resume=dict(type='CheckResume'),
    check_finite=dict(type='CheckFinite'))

__all__ = [
    'AnySizeTrainLoop', 'CHECKS', 'CheckFinite', 'CheckResume', 'CheckStart',
    'check_schedule', 'set_epochs'
]
