"""Who trains: MMEngine's runner, and the processes that share a model."""

from collections.abc import Iterator
from importlib.util import find_spec

from mmengine.config import Config
from mmengine.registry import STRATEGIES

from ..recipes.large_models import check_strategy
from .findings import ERROR, OK, WARNING, Finding

ALONE = 'what follows is of one process, which has the whole model'


def runner(cfg: Config) -> Iterator[Finding]:
    """Whether there is such a runner and strategy, and what it needs."""
    check_strategy(cfg)
    if cfg.get('compile'):
        text = "MMEngine's compile takes in the optimizer, which torch 2.12 cannot"
        yield Finding('compile', WARNING, text, 'model.backbone.compile=True')
    if cfg.get('strategy') is None:
        return
    name = str(cfg.strategy['type'])
    if STRATEGIES.get(name) is None:
        cure = 'strategy.type=FSDPStrategy, or leave out `strategy` and `runner_type`'
        yield Finding('strategy', ERROR, f"'{name}' is none", cure)
    elif name == 'DeepSpeedStrategy' and find_spec('deepspeed') is None:
        text = f'{name} needs the package deepspeed, which is not installed'
        yield Finding('strategy', ERROR, text, 'pip install deepspeed')
    elif name in ('FSDPStrategy', 'DeepSpeedStrategy'):
        text = f'{name}, for tools/dist_train.sh CONFIG GPUS; {ALONE}'
        yield Finding('strategy', OK, text)
