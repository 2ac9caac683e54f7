"""Options that a user sets in a config that has been read."""

import inspect
from typing import Optional

from mmengine.runner import Runner

# What mmengine reads from a config beside the arguments of its Runner.
USED = (
    'auto_scale_lr',
    'compile',
    'custom_imports',
    'dataset_meta',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'strategy',
    'sync_bn',
    'test_pipeline',
)


def check_cfg_options(cfg, options: Optional[dict]) -> None:
    """Refuse ``--cfg-options`` that would change nothing.

    A variable at the top of a config file is used up when the file has been
    read; to assign it later has no effect.

    Args:
        cfg (Config): The config as read from its file.
        options (dict, optional): What the user gave.

    Raises:
        ValueError: naming the variable and what can be set instead; or if the
            config has a number, or a component, where a text is given.
    """
    used = set(inspect.signature(Runner.__init__).parameters) | set(USED)
    for key in options or {}:
        name = key.split('.')[0]
        if name in used:
            _check_kind(cfg, key, (options or {})[key])
            continue
        why = (
            'a variable that the config file has already used'
            if name in cfg
            else 'nothing that a runner reads'
        )
        raise ValueError(
            f"--cfg-options {key}=... would have no effect: '{name}' is "
            f'{why}. Name the option itself, such as '
            'model.backbone.pretrained, train_dataloader.batch_size or '
            'optim_wrapper.optimizer.lr'
        )


def _check_kind(cfg, key: str, value: object) -> None:
    """Refuse a text where there is a number, or a component with options."""
    old = cfg
    for part in key.split('.'):
        try:
            old = old[int(part)] if isinstance(old, (list, tuple)) else old[part]
        except (IndexError, KeyError, TypeError, ValueError):
            return  # nothing to compare with
    is_number = isinstance(old, (int, float)) and not isinstance(old, bool)
    # 'dynamic' of AmpOptimWrapper
    if is_number and isinstance(value, str) and not key.endswith('.loss_scale'):
        raise ValueError(
            f'--cfg-options {key}={value}: expected a number, as the config has '
            f'there ({old})'
        )
    is_option = value is None or isinstance(value, dict)
    if isinstance(old, dict) and 'type' in old and not is_option:
        raise ValueError(
            f"--cfg-options {key}={value}: expected options, as the config's "
            f'{key}.type={old["type"]}; set one of them'
        )
