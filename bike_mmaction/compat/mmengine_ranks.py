"""Remedies for MMEngine: processes that hang, or cannot start."""

import os

from ..ranks import PATIENCE, start_watch
from .registry import remedy, replace


@remedy('mmengine', '<=0.10.7', 'nobody tells of a process that hangs')
def tell_of_processes_that_hang() -> None:
    """The processes watch each other, and a port in use is named.

    ``env_cfg.dist_cfg.patience`` is in seconds; 0 is without the watch.
    """
    import mmengine._strategy.deepspeed as deepspeed
    import mmengine._strategy.distributed as strategy
    import mmengine.dist as dist
    import mmengine.runner.runner as runner

    def watching(original):
        def init_dist(launcher, *args, patience=PATIENCE, **kwargs):
            if launcher == 'pytorch':  # the environment says already who is who
                start_watch(patience)
            try:
                original(launcher, *args, **kwargs)
            except RuntimeError as error:
                if 'EADDRINUSE' not in str(error):
                    raise
                raise RuntimeError(_port_in_use()) from error
            start_watch(patience)

        return init_dist

    for module in (dist, runner, strategy, deepspeed):
        replace(module, 'init_dist', watching)


def _port_in_use() -> str:
    port = os.environ.get('MASTER_PORT', '')
    return (
        f'port {port} of this machine is in use by another job: set MASTER_PORT '
        'to another one, the same for all processes of this job'
    )
