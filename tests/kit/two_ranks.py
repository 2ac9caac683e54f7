"""Train and test by configs, one after the other, in two processes over gloo.

python -m tests.kit.two_ranks CONFIG PORT [CONFIG PORT ...]
"""

import os
import signal
import sys

from mmengine.config import Config
from mmengine.runner import Runner

import bike_mmaction  # noqa: F401  (registers)
from bike_mmaction.compat import leave_process_group

SECONDS = 120  # of both: a hang must not last


def main():
    other = os.fork()  # before torch has computed anything
    rank = int(other == 0)
    signal.alarm(SECONDS)
    for path, port in zip(sys.argv[1::2], sys.argv[2::2]):
        places = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port, WORLD_SIZE='2')
        os.environ.update(places, RANK=str(rank), LOCAL_RANK=str(rank))
        cfg = Config.fromfile(path)
        cfg.launcher = 'pytorch'
        runner = Runner.from_cfg(cfg)
        runner.train()
        runner.test()
        leave_process_group()
    if other:
        sys.exit(os.WEXITSTATUS(os.waitpid(other, 0)[1]))
    os._exit(0)


if __name__ == '__main__':
    main()
