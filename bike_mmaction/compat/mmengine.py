"""Remedies for MMEngine: processes, precision, what a run writes."""

import atexit
import gc
import os.path as osp
import warnings
from functools import partial
from math import prod

from ..errors import PipelineError, explain
from ..files import replaced, source_of
from .registry import remedy, replace
from .torch import note_file
from .versions import torch_version


@remedy('mmengine', '<=0.10.7', '--launcher pytorch insists on CUDA')
def train_distributed_without_gpu() -> None:
    """Where no accelerator is present, processes talk over gloo.

    The model wrapper gets no device number, so that two processes train on
    a CPU.
    """
    import mmengine.dist.utils as dist_utils
    from mmengine.model import MMDistributedDataParallel

    def over_gloo(original):
        def init_dist_pytorch(backend, init_backend='torch', **kwargs):
            if not _on_cpu():
                original(backend, init_backend=init_backend, **kwargs)
                return
            dist_utils.torch_dist.init_process_group('gloo', **kwargs)
            atexit.register(leave_process_group)

        return init_dist_pytorch

    def without_device(original):
        def init(self, module, *args, **kwargs):
            if _on_cpu():
                kwargs['device_ids'] = None
            original(self, module, *args, **kwargs)

        return init

    replace(dist_utils, '_init_dist_pytorch', over_gloo)
    replace(MMDistributedDataParallel, '__init__', without_device)


def leave_process_group() -> None:
    """Destroy the group of processes, if there is one.

    A process of torch <= 2.15 that used gloo may else abort when it ends: a
    thread of gloo that lets go of its last tensor while the interpreter
    shuts down finds no interpreter ("terminate called without an active
    exception"). Destroying the group before waits for these threads.
    """
    import torch.distributed as dist

    gc.collect()  # of what still holds the group, such as a model wrapper
    if dist.is_initialized():
        dist.destroy_process_group()


@remedy('mmengine', '<=0.10.7', 'AmpOptimWrapper insists on a GPU')
def allow_amp_without_gpu() -> None:
    """On a CPU it autocasts to bfloat16 without loss scaling.

    float16, which needs the scaler, is refused. torch < 2.3 trains in
    float32, and so do CPUs that have no instructions for bfloat16, unless
    ``dtype`` asks for it.
    """
    from mmengine.optim import AmpOptimWrapper

    def on_cpu(original):
        def init(self, loss_scale='dynamic', dtype=None, **kwargs):
            if _on_cpu():
                _init_for_cpu(self, dtype, **kwargs)
            else:
                original(self, loss_scale=loss_scale, dtype=dtype, **kwargs)

        return init

    replace(AmpOptimWrapper, '__init__', on_cpu)


def _init_for_cpu(wrapper, dtype, use_fsdp: bool = False, **kwargs) -> None:
    """What ``AmpOptimWrapper.__init__`` does, for autocasting on a CPU."""
    import torch
    from mmengine.optim import OptimWrapper

    if dtype not in (None, 'bfloat16', torch.bfloat16):
        raise ValueError(
            f'optim_wrapper.dtype={dtype!r} needs a GPU; on a CPU mixed '
            "precision works with dtype='bfloat16' only"
        )
    OptimWrapper.__init__(wrapper, **kwargs)
    wrapper._scale_update_param = None
    scaler = getattr(torch.amp, 'GradScaler', torch.cuda.amp.GradScaler)
    wrapper.loss_scaler = scaler(enabled=False)
    wrapper.cast_dtype = torch.bfloat16
    reason = ''
    if torch_version() < (2, 3):  # its masked attention fails or aborts
        reason = (
            'mixed precision on a CPU needs torch>=2.3; torch '
            f'{torch.__version__} trains in float32 instead'
        )
    elif dtype is None and not _has_bfloat16():
        reason = (
            'this CPU has no instructions for bfloat16, so that it would take many '
            'times as long as float32: it trains in float32 instead '
            '(optim_wrapper.dtype=bfloat16 asks for bfloat16 nevertheless)'
        )
    if reason:
        warnings.warn(reason)
        wrapper.optim_context = partial(OptimWrapper.optim_context, wrapper)


def _has_bfloat16() -> bool:
    """Whether oneDNN, which multiplies for torch, has kernels of it for this CPU."""
    import torch

    try:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    except AttributeError:  # torch is built without oneDNN, as on a Mac
        return False


def _on_cpu() -> bool:
    from mmengine.device import get_device

    return get_device() == 'cpu'


@remedy('mmengine', '<=0.10.7', 'every rank writes the same file of test metrics')
def write_test_metrics_once() -> None:
    """They do so at the same time, and the file can end up as no JSON.

    It is written in one step: a full disk leaves none under its name.
    """
    import mmengine.hooks.logger_hook as logger_hook
    from mmengine.dist import master_only

    def in_one_step(original):
        def dump(obj, file, *args, **kwargs):
            with replaced(file) as draft:
                original(obj, draft, *args, **kwargs)

        return master_only(dump)

    replace(logger_hook, 'dump', in_one_step)


@remedy('mmengine', '<=0.10.7', 'a full disk leaves half a config, in an unnamed error')
def write_configs_in_one_step() -> None:
    """``No space left on device``; the config looks whole and is not."""
    from mmengine.config import Config

    def in_one_step(original):
        def dump(self, file=None):
            if file is None:
                return original(self)
            with replaced(file) as draft:
                return original(self, draft)

        return dump

    replace(Config, 'dump', in_one_step)


@remedy('mmengine', '<=0.10.7', 'a kill leaves half a checkpoint in place of a whole')
def write_checkpoints_whole() -> None:
    """A checkpoint takes the place of another one when it is on the disk.

    MMEngine also holds it in memory as a file, twice; here it is written as
    it is made. What is no local file is left to MMEngine.
    """
    import mmengine.runner as package
    import mmengine.runner.checkpoint as checkpoint
    import mmengine.runner.runner as runner
    import torch

    def whole(original):
        def save_checkpoint(checkpoint, filename, *args, **kwargs):
            if any(args) or any(kwargs.values()) or '://' in str(filename):
                original(checkpoint, filename, *args, **kwargs)
                return
            with replaced(filename) as draft, open(draft, 'wb') as file:
                torch.save(checkpoint, file)

        return save_checkpoint

    for module in (checkpoint, runner, package):
        replace(module, 'save_checkpoint', whole)


@remedy('mmengine', '<=0.10.7', 'a failed start overwrites the config of a good run')
def keep_config_of_last_run() -> None:
    """It dumps a config before anything of a run is tried.

    Where there is one in the folder already, it is replaced when the first
    batch is done: all that can be wrong with lists, labels, weights, files
    or memory has shown by then.
    """
    from mmengine.runner import FlexibleRunner, Runner

    def later(dump):
        def dump_config(self):
            name = self.cfg.filename
            path = osp.join(self.work_dir, osp.basename(name)) if name else ''
            self._has_config_to_dump = osp.exists(path) and not _has_begun(self)
            if not self._has_config_to_dump:
                dump(self)

        return dump_config

    def then_dumping(call_hook):
        def call(self, fn_name, **kwargs):
            call_hook(self, fn_name, **kwargs)
            if fn_name in _BATCH_DONE and not _has_begun(self):
                self._has_done_a_batch = True
                if getattr(self, '_has_config_to_dump', False):
                    self.dump_config()

        return call

    for kind in (Runner, FlexibleRunner):
        replace(kind, 'dump_config', later)
        replace(kind, 'call_hook', then_dumping)


_BATCH_DONE = ('after_train_iter', 'after_val_iter', 'after_test_iter')


def _has_begun(runner) -> bool:
    return getattr(runner, '_has_done_a_batch', False)


@remedy('mmengine', '<=0.10.7', 'an unreadable video is not named in its error')
def name_file_in_pipeline_errors() -> None:
    """Many say nothing of the file: ``Error reading N bytes``.

    What is raised inside a pipeline for videos or frames is re-raised as
    :class:`PipelineError`. Data that name no video keep their errors.
    """
    from mmengine.dataset import Compose

    def naming(original):
        def call(self, data):
            source = source_of(data, None) if isinstance(data, dict) else None
            if isinstance(source, str):
                note_file(source)
            try:
                return original(self, data)
            except Exception as error:
                if not isinstance(source, str) or isinstance(error, PipelineError):
                    raise
                raise PipelineError(explain(source, error)) from error

        return call

    replace(Compose, '__call__', naming)


@remedy('mmengine', '<=0.10.7', "FLOPs of torch's own attention are not counted")
def count_attention() -> None:
    """``Unsupported operator aten::scaled_dot_product_attention``.

    Or ``aten::_native_multi_head_attention`` where the weights are frozen.
    As in the rest of its count, a multiplication with its addition is one.
    """
    from mmengine.analysis.complexity_analysis import _DEFAULT_SUPPORTED_FLOP_OPS
    from mmengine.analysis.jit_handles import get_shape

    def attention(inputs, outputs):
        query, key, value = map(get_shape, inputs[:3])
        return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])

    def whole_layer(inputs, outputs):  # of self-attention, with projections
        batch, length, width = get_shape(inputs[0])
        return batch * length * width * (4 * width + 2 * length)

    for name, count in (
        ('scaled_dot_product_attention', attention),
        ('_native_multi_head_attention', whole_layer),
    ):
        _DEFAULT_SUPPORTED_FLOP_OPS.setdefault(f'aten::{name}', count)
