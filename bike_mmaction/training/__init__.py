from ..renamed import old_names
from .bad_videos import ReplaceBadVideos, go_on_in_validation
from .finite import CheckFinite
from .loop import AnySizeTrainLoop
from .resume import CheckResume
from .schedule import check_schedule
from .start import CheckStart

# By the names that they have in `default_hooks` of the configs.
CHECKS = dict(
    check_start=dict(type='CheckStart'),
    check_resume=dict(type='CheckResume'),
    check_finite=dict(type='CheckFinite'),
    bad_videos=dict(type='ReplaceBadVideos'),
)


def add_checks(cfg) -> None:
    """Give a config the checks that it has not, such as an older one.

    Args:
        cfg (Config): The config to change. Of ``default_hooks`` it may set a
            check to None, to go without.
    """
    hooks = dict(CHECKS, **cfg.get('default_hooks') or {})
    cfg.default_hooks = {
        name: hook
        for name, hook in hooks.items()
        if name not in CHECKS or hook is not None
    }


__getattr__ = old_names(__name__)

__all__ = [
    'CHECKS',
    'AnySizeTrainLoop',
    'CheckFinite',
    'CheckResume',
    'CheckStart',
    'ReplaceBadVideos',
    'add_checks',
    'check_schedule',
    'go_on_in_validation',
]
