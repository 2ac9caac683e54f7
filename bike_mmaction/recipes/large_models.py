"""Models that are shared among the processes of a training."""

from typing import Optional

from mmaction.registry import RUNNERS
from mmengine.config import ConfigDict
from mmengine.runner import FlexibleRunner

_RUNNER = 'FlexibleRunner'
_SHARDING = ('FULL_SHARD', 'SHARD_GRAD_OP', 'HYBRID_SHARD')


def use_fsdp(
    cfg,
    sharding_strategy: str = 'FULL_SHARD',
    mixed_precision: Optional[str] = None,
    recompute: bool = False,
) -> None:
    """Train with FSDP: each process keeps a part of the weights.

    Checkpoints are as of any other training. A test uses whole models.

    Args:
        cfg (Config | ConfigDict): The config to change.
        sharding_strategy (str): What is shared: 'FULL_SHARD', weights, gradients and
            the optimizer's state; 'SHARD_GRAD_OP', all but the weights while a step
            is computed, with less communication; 'HYBRID_SHARD', all of it within a
            machine. Defaults to 'FULL_SHARD'.
        mixed_precision (str, optional): 'bfloat16': blocks are computed and sent in
            it, by FSDP in the place of ``AmpOptimWrapper``. Defaults to None: as
            ``optim_wrapper`` says.
        recompute (bool): Whether the image tower computes its activations again in
            the backward pass (``with_cp``), which saves most of their memory.
            Defaults to False.

    Raises:
        ValueError: if there is no such sharding strategy or precision.
    """
    if sharding_strategy not in _SHARDING:
        raise ValueError(
            f'sharding_strategy={sharding_strategy!r} is none of {", ".join(_SHARDING)}'
        )
    if mixed_precision not in (None, 'bfloat16'):
        raise ValueError(f"mixed_precision={mixed_precision!r} must be 'bfloat16'")
    wrapper = ConfigDict(sharding_strategy=sharding_strategy)
    if mixed_precision:
        # Sums of gradients, and buffers, keep their digits.
        wrapper['mixed_precision'] = ConfigDict(
            param_dtype=mixed_precision, reduce_dtype='float32', buffer_dtype='float32'
        )
        cfg.optim_wrapper['type'] = 'OptimWrapper'
        for key in ('loss_scale', 'dtype'):
            cfg.optim_wrapper.pop(key, None)
    if recompute:
        cfg.model['backbone']['with_cp'] = True
    cfg['runner_type'] = _RUNNER
    cfg['strategy'] = ConfigDict(type='FSDPStrategy', model_wrapper=wrapper)


def use_deepspeed(cfg, stage: int = 2) -> None:
    """Train with DeepSpeed's ZeRO: processes share what the optimizer keeps.

    It needs the package ``deepspeed``. Checkpoints are folders of its own layout.

    Args:
        cfg (Config | ConfigDict): The config to change.
        stage (int): What is shared: 1, the optimizer's state; 2, gradients too; 3,
            weights too. Defaults to 2.

    Raises:
        ValueError: if there is no such stage.
    """
    if stage not in (1, 2, 3):
        raise ValueError(f'stage={stage!r} must be 1, 2 or 3')
    before = cfg.optim_wrapper
    strategy = ConfigDict(
        type='DeepSpeedStrategy',
        config=dict(zero_allow_untested_optimizer=True),
        zero_optimization=dict(stage=stage),
        gradient_accumulation_steps=before.get('accumulative_counts', 1),
        # DeepSpeed's default is 1
        gradient_clipping=(before.get('clip_grad') or {}).get('max_norm', 0.0),
    )
    if before.get('type') == 'AmpOptimWrapper':  # weights stay float32
        autocast = dict(enabled=True, dtype='bfloat16')
        strategy['config']['torch_autocast'] = autocast
    wrapper = ConfigDict(type='DeepSpeedOptimWrapper', optimizer=before['optimizer'])
    if before.get('paramwise_cfg'):
        wrapper['paramwise_cfg'] = before['paramwise_cfg']
    # MMEngine merges what a config sets with what it had.
    for key in set(before) - set(wrapper):
        before.pop(key)
    before.update(wrapper)
    cfg['runner_type'], cfg['strategy'] = _RUNNER, strategy


def use_whole_models(cfg) -> None:
    """Let each process have the whole model, as a test needs it.

    Args:
        cfg (Config | ConfigDict): The config to change, which may be of
            :func:`use_fsdp`.
    """
    if cfg.get('runner_type') == _RUNNER:
        cfg.pop('runner_type')
    cfg.pop('strategy', None)


def check_strategy(cfg) -> None:
    """Refuse a runner that nobody knows, and a strategy that nobody would use.

    Args:
        cfg (Config | ConfigDict): The config.

    Raises:
        ValueError: naming the key, and what to set.
    """
    name, strategy = cfg.get('runner_type', 'Runner'), cfg.get('strategy')
    runner = RUNNERS.get(name) if isinstance(name, str) else name
    if runner is None:
        raise ValueError(
            f"runner_type='{name}' is no runner: leave it out, or set '{_RUNNER}'"
        )
    if strategy is None:
        return
    if not isinstance(strategy, dict) or 'type' not in strategy:
        raise ValueError(
            f'strategy={strategy!r} must be options, such as strategy.type=FSDPStrategy'
        )
    if not issubclass(runner, FlexibleRunner):
        raise ValueError(
            f'strategy.type={strategy["type"]} has no effect with runner_type={name}: '
            f'set runner_type={_RUNNER} as well, or leave out `strategy`'
        )
