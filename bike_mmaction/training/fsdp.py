"""Training of models whose weights are cut into shards: FSDP."""

import os
import warnings
from typing import Any, Optional

import torch
import torch.nn as nn
from mmengine._strategy import FSDPStrategy
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import STRATEGIES
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP

from ..compat import torch_version
from ..models.sharding import (
    average_gradients,
    blocks,
    prepare_to_shard,
    whole_encoders,
    whole_weights,
)
from ..models.wrappers import plain_name

_CPU_SINCE = (2, 6)  # gloo reduces and scatters
_OF_OPTIMIZER = ('state', 'param_groups')


@STRATEGIES.register_module('FSDPStrategy', force=True)
class WholeCheckpointFSDPStrategy(FSDPStrategy):
    """MMEngine's ``FSDPStrategy``, with checkpoints like all others.

    It takes its place in every config with ``runner_type='FlexibleRunner'``:

    - a checkpoint holds the whole model and the whole state of the optimizer, named
      as by MMEngine's ``Runner``: it is tested, converted, or resumed with or without
      FSDP, by any number of processes;
    - each block of a transformer is a shard by itself; frozen encoders and single
      numbers (``logit_scale``), which FSDP does not take, stay whole;
    - it trains on CPUs as well;
    - ``optim_wrapper.clip_grad`` measures the gradient of all processes.

    Args:
        model_wrapper (dict, optional): Arguments of ``MMFullyShardedDataParallel``,
            such as ``sharding_strategy``, ``cpu_offload`` or ``mixed_precision``.
            Defaults to None.
        state_dict_cfg (str): 'full', no other. Defaults to 'full'.
        **kwargs: As in ``FSDPStrategy``.

    Raises:
        ValueError: if ``state_dict_cfg`` is another, or there is but one process.
        RuntimeError: if torch is too old to do this on CPUs.
    """

    model_wrapper: Any  # MMEngine sets it

    def __init__(
        self,
        *,
        model_wrapper: Optional[dict] = None,
        state_dict_cfg: str = 'full',
        **kwargs: Any,
    ) -> None:
        if state_dict_cfg != 'full':
            raise ValueError(
                f"strategy.state_dict_cfg={state_dict_cfg!r} must be 'full': whole "
                'checkpoints, which everything else can read'
            )
        _check_processes((kwargs.get('env_kwargs') or {}).get('launcher'))
        super().__init__(
            model_wrapper=dict(model_wrapper or {}), state_dict_cfg='full', **kwargs
        )
        if get_device() == 'cpu':  # torch would free what it reads, and crash
            self.state_dict_config.offload_to_cpu = False
            self.optim_state_dict_config.offload_to_cpu = False

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        if is_model_wrapper(model):
            return model
        prepare_to_shard(model)
        for encoder in whole_encoders(model):
            encoder.to(get_device())
        whole = whole_weights(model)
        for weight in whole:
            weight.data = weight.data.to(get_device())
            if weight.requires_grad:
                average_gradients(weight)
        one_by_one = {id(block) for block in blocks(model)}

        def is_block(module: nn.Module, recurse: bool, **kwargs: Any) -> bool:
            return recurse or id(module) in one_by_one

        own = dict(auto_wrap_policy=is_block, ignored_states=whole)
        if get_device() == 'cpu':
            own['device_id'] = torch.device('cpu')
        self.model_wrapper = {
            'type': 'MMFullyShardedDataParallel',
            **own,
            **self.model_wrapper,
        }
        with warnings.catch_warnings():  # MMEngine calls what torch will give up
            warnings.simplefilter('ignore', FutureWarning)
            return super()._wrap_model(model)

    def build_optim_wrapper(
        self, optim_wrapper: Any, model: Optional[nn.Module] = None
    ) -> OptimWrapper:
        """As MMEngine's; clipping measures all shards together."""
        wrapper = super().build_optim_wrapper(optim_wrapper, model)
        options = getattr(wrapper, 'clip_grad_kwargs', None)
        if options and wrapper.clip_func is torch.nn.utils.clip_grad_norm_:
            wrapper.clip_func = _clip_shards(model)
        optimizer: Any = getattr(wrapper, 'optimizer', None)
        if getattr(optimizer, '_step_supports_amp_scaling', False):
            # Fused, it would ask its own shards alone whether gradients are finite;
            # now the loss scaler asks all processes.
            optimizer._step_supports_amp_scaling = False
        return wrapper

    def model_state_dict(self) -> dict:
        """Of the whole model, on the CPU; the first process has all of it."""
        return {name: value.cpu() for name, value in super().model_state_dict().items()}

    def optim_state_dict(self) -> dict:
        """Of an optimizer of the whole model, as :meth:`model_state_dict`."""
        state = self.optim_wrapper.state_dict()  # with more than an optimizer's
        whole = FSDP.optim_state_dict(self.model, self.optim_wrapper.optimizer)
        if is_main_process():
            state.update(_numbered(whole))
        return state

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Take over the state of an optimizer of the whole model.

        Args:
            state_dict (dict): Of :meth:`optim_state_dict`, or of an
                ``OptimWrapper`` without FSDP.
        """
        optimizer = self.optim_wrapper.optimizer
        names = {id(p): plain_name(name) for name, p in self.model.named_parameters()}
        order = [
            names[id(p)] for group in optimizer.param_groups for p in group['params']
        ]
        whole = _named({key: state_dict[key] for key in _OF_OPTIMIZER}, order)
        own = FSDP.optim_state_dict_to_load(self.model, optimizer, whole)
        self.optim_wrapper.load_state_dict({**state_dict, **own})

    def load_checkpoint(self, filename: str, **kwargs: Any) -> dict:
        """As MMEngine's, into the memory of the CPU."""
        checkpoint = super().load_checkpoint(filename, **{**kwargs, **_ON_CPU})
        if hasattr(self, 'param_schedulers'):  # CheckResume may have taken them out
            checkpoint.setdefault('param_schedulers', self.scheduler_state_dict())
        return checkpoint


_ON_CPU = dict(map_location='cpu')


def _check_processes(launcher: Optional[str]) -> None:
    if launcher in (None, 'none') and 'RANK' not in os.environ:
        raise ValueError(
            'strategy.type=FSDPStrategy shares a model among processes, and this is '
            'one: start them by tools/dist_train.sh CONFIG GPUS, or leave `strategy` '
            'and `runner_type` out of the config'
        )
    if get_device() == 'cpu' and torch_version() < _CPU_SINCE:
        raise RuntimeError(
            f'FSDP on CPUs needs torch>={".".join(map(str, _CPU_SINCE))}, but torch '
            f'{torch.__version__} is installed'
        )


def _clip_shards(model: Any) -> Any:
    def clip(params: list, max_norm: float, norm_type: float = 2.0) -> torch.Tensor:
        return model.clip_grad_norm_(max_norm, norm_type)

    return clip


def _numbered(state: dict) -> dict:
    """Parameters by their numbers, as in the state of any optimizer, not by names."""
    names = [name for group in state['param_groups'] for name in group['params']]
    numbers = {name: number for number, name in enumerate(names)}
    return dict(
        state={numbers[name]: value for name, value in state['state'].items()},
        param_groups=[
            dict(group, params=[numbers[name] for name in group['params']])
            for group in state['param_groups']
        ],
    )


def _named(state: dict, names: list[str]) -> dict:
    """The opposite of :func:`_numbered`."""
    return dict(
        state={names[number]: value for number, value in state['state'].items()},
        param_groups=[
            dict(group, params=[names[number] for number in group['params']])
            for group in state['param_groups']
        ],
    )
