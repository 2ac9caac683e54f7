from ..renamed import old_names
from .bad_videos import ReplaceBadVideos, go_on_in_validation
from .brief import BriefRunner
from .checkpoints import SafeCheckpointHook
from .embeddings import CheckEmbeddings
from .exact import ExactResume, MakeUpValidation
from .finite import CheckFinite
from .fsdp import WholeCheckpointFSDPStrategy
from .fused import FusedAdamW
from .late import LateRuntimeInfo
from .loop import AnySizeTrainLoop
from .progress import NoteProgress
from .resume import CheckResume
from .schedule import check_schedule
from .start import CheckStart

# By the names that they have in `default_hooks` of the configs.
CHECKS = dict(
    check_start=dict(type='CheckStart'),
    check_resume=dict(type='CheckResume'),
    check_finite=dict(type='CheckFinite'),
    bad_videos=dict(type='ReplaceBadVideos'),
    progress=dict(type='NoteProgress'),
)
EXACT = dict(
    exact_resume=dict(type='ExactResume'),
    make_up_validation=dict(type='MakeUpValidation'),
)


def add_checks(cfg) -> None:
    """Give a config the hooks of this project that it has not, as older ones.

    Also its loop, where that is MMEngine's by epochs, and the hook that keeps losses.

    Args:
        cfg (Config): The config to change. Of ``default_hooks`` it may set
            one of ours to None, to go without.
    """
    own = {**CHECKS, **EXACT}
    hooks = dict(own, **cfg.get('default_hooks') or {})
    cfg.default_hooks = {
        name: hook
        for name, hook in hooks.items()
        if name not in own or hook is not None
    }
    info = cfg.default_hooks.get('runtime_info', 'RuntimeInfoHook')
    if info in ('RuntimeInfoHook', dict(type='RuntimeInfoHook')):
        cfg.default_hooks['runtime_info'] = dict(type='LateRuntimeInfo')
    loop = cfg.get('train_cfg') or {}
    if loop.get('type') == 'EpochBasedTrainLoop' or loop.get('by_epoch'):
        loop.pop('by_epoch', None)
        loop['type'] = 'AnySizeTrainLoop'


__getattr__ = old_names(__name__)

__all__ = [
    'CHECKS',
    'EXACT',
    'AnySizeTrainLoop',
    'BriefRunner',
    'CheckEmbeddings',
    'CheckFinite',
    'CheckResume',
    'CheckStart',
    'ExactResume',
    'FusedAdamW',
    'LateRuntimeInfo',
    'MakeUpValidation',
    'NoteProgress',
    'ReplaceBadVideos',
    'SafeCheckpointHook',
    'WholeCheckpointFSDPStrategy',
    'add_checks',
    'check_schedule',
    'go_on_in_validation',
]
