"""What the toolbox and torch do wrong, and the remedy: one function each.

This file and :mod:`.compat_tools`, for the toolbox's tools, are the only ones
that know bugs of other packages. Every function is safe to call twice and
does nothing where its bug is absent.
"""

import atexit
import gc
import importlib.util
import os.path as osp
import sys
import types
import warnings
from functools import partial, wraps
from importlib.metadata import PackageNotFoundError, version

from .version import DEPENDENCIES, MMCV


def patch_toolbox() -> None:
    """Apply every remedy; called when ``bike_mmaction`` is imported."""
    add_missing_localizer()
    ignore_unfit_transformers()
    load_own_checkpoints()
    train_distributed_without_gpu()
    write_test_metrics_once()
    allow_amp_without_gpu()
    jitter_hue_without_overflow()
    name_file_in_pipeline_errors()
    name_annotation_file_in_errors()
    keep_frames_without_label()
    take_scores_in_float32()
    dump_config_of_started_runs()
    from .compat_tools import patch_tools

    patch_tools()


def check_versions() -> None:
    """Compare the installed packages with ``version.DEPENDENCIES``.

    Raises:
        ImportError: if one is missing or out of range; names the package,
            the version found and the range.
    """
    for name, bounds in DEPENDENCIES.items():
        _check_version(name, _installed(name), bounds)
    mmcv = [name for name in MMCV if _installed(name)]
    for name in mmcv or ['mmcv-lite']:  # the small build suffices
        _check_version(name, _installed(name), MMCV[name])


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ''


def _check_version(name: str, found: str, bounds: tuple) -> None:
    from packaging.specifiers import SpecifierSet

    allowed = '>={},<{}'.format(*bounds)
    wanted = f'{name}{allowed}'
    if not found:
        raise ImportError(
            f'bike_mmaction needs {wanted}, which is not '
            f'installed. Run: pip install "{wanted}"'
        )
    # pip's own rules: a local build such as 2.12.1+cpu counts as 2.12.1.
    if not SpecifierSet(allowed).contains(found, prereleases=True):
        raise ImportError(
            f'bike_mmaction needs {wanted}, but {name} {found} '
            f'is installed. Run: pip install "{wanted}"'
        )


def add_missing_localizer() -> None:
    """mmaction2 1.2.0: the wheel lacks ``models/localizers/drn``.

    ``import mmaction.models`` then fails, so an empty stand-in is put where
    the folder is absent. Building ``DRN`` itself remains impossible.
    """
    spec = importlib.util.find_spec('mmaction')
    folder = osp.join(osp.dirname(spec.origin), 'models', 'localizers', 'drn')
    name = 'mmaction.models.localizers.drn'
    if osp.isdir(folder) or name in sys.modules:
        return
    package, module = types.ModuleType(name), types.ModuleType(f'{name}.drn')
    package.__path__ = []
    package.drn = module
    module.DRN = type('DRN', (), {'__doc__': 'Absent from this mmaction2.'})
    sys.modules[name] = package
    sys.modules[f'{name}.drn'] = module


def ignore_unfit_transformers() -> None:
    """mmaction2 and mmpretrain 1.2.0 cannot import with transformers >= 4.57.

    Their multi-modal models ask for functions that transformers removed; they
    are left out, as they are where transformers is not installed.
    """
    import mmaction.utils.dependency as dependency

    if not dependency.WITH_MULTIMODAL:
        return
    try:
        from transformers.modeling_utils import (  # noqa: F401
            apply_chunking_to_forward,
            find_pruneable_heads_and_indices,
            prune_linear_layer,
        )
    except Exception:  # its lazy modules raise more than ImportError
        dependency.WITH_MULTIMODAL = False
        if importlib.util.find_spec('mmpretrain'):
            import mmpretrain.utils.dependency as dependency

            dependency.WITH_MULTIMODAL = False


def load_own_checkpoints() -> None:
    """torch >= 2.6 refuses the checkpoints that mmengine itself writes.

    mmengine <= 0.10.7 calls ``torch.load(path)``, whose default became
    ``weights_only=True``, while its files hold ``HistoryBuffer`` objects.
    The loader of local files is replaced by one that allows just these
    types, reads ``.safetensors`` too, and names what a file is when it is
    not for this project (see :mod:`bike_mmaction.checkpoint`).
    """
    from mmengine.runner.checkpoint import CheckpointLoader

    from .checkpoint import load_from_http, load_from_local

    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=('http://', 'https://'), loader=load_from_http, force=True
    )


def history_buffer_globals() -> list:
    """The types in mmengine's checkpoints, for torch's restricted unpickler.

    Returns:
        list: Arguments of ``torch.serialization.safe_globals``.
    """
    import numpy as np
    from mmengine.logging import HistoryBuffer

    core = np.core if np.__version__ < '2' else np._core
    dtypes = [
        type(np.dtype(t))
        for t in (
            'b1',
            'i1',
            'i2',
            'i4',
            'i8',
            'u1',
            'u2',
            'u4',
            'u8',
            'f2',
            'f4',
            'f8',
        )
    ]

    def get_statistic(owner, name):  # a HistoryBuffer pickles its methods
        if owner is not HistoryBuffer or name.startswith('_'):
            raise ValueError(f'{owner}.{name} may not be loaded')
        return getattr(owner, name)

    multiarray = core.multiarray
    named = [
        (multiarray._reconstruct, f'numpy.{package}.multiarray._reconstruct')
        for package in ('core', '_core')
    ]
    named += [
        (multiarray.scalar, f'numpy.{package}.multiarray.scalar')
        for package in ('core', '_core')
    ]
    return [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        *dtypes,
        *named,
        (get_statistic, 'builtins.getattr'),
    ]


def train_distributed_without_gpu() -> None:
    """mmengine <= 0.10.7: ``--launcher pytorch`` insists on CUDA.

    Where no accelerator is present, processes talk over gloo and the model
    wrapper gets no device number, so that two processes train on a CPU.
    """
    import mmengine.dist.utils as dist_utils
    from mmengine.model import MMDistributedDataParallel

    init = dist_utils._init_dist_pytorch
    if _is_patched(init):
        return

    @_patch_of(init)
    def init_dist_pytorch(backend, init_backend='torch', **kwargs):
        if _on_cpu():
            dist_utils.torch_dist.init_process_group('gloo', **kwargs)
            atexit.register(leave_process_group)
        else:
            init(backend, init_backend=init_backend, **kwargs)

    wrapper_init = MMDistributedDataParallel.__init__

    @_patch_of(wrapper_init)
    def wrap(self, module, *args, **kwargs):
        if _on_cpu():
            kwargs['device_ids'] = None
        wrapper_init(self, module, *args, **kwargs)

    dist_utils._init_dist_pytorch = init_dist_pytorch
    MMDistributedDataParallel.__init__ = wrap


def leave_process_group() -> None:
    """torch <= 2.15: a process that used gloo may abort when it ends.

    A thread of gloo that lets go of its last tensor while the interpreter
    shuts down finds no interpreter ("terminate called without an active
    exception"). Destroying the group before waits for these threads.
    """
    import torch.distributed as dist

    gc.collect()  # of what still holds the group, such as a model wrapper
    if dist.is_initialized():
        dist.destroy_process_group()


def write_test_metrics_once() -> None:
    """mmengine <= 0.10.7: every rank writes the same file of test metrics.

    At the same time, so that it can end up as no JSON.
    """
    from mmengine.dist import master_only
    from mmengine.hooks import LoggerHook

    write = LoggerHook.after_test_epoch
    if not _is_patched(write):
        LoggerHook.after_test_epoch = _patch_of(write)(master_only(write))


def allow_amp_without_gpu() -> None:
    """mmengine <= 0.10.7: ``AmpOptimWrapper`` asserts a GPU.

    On a CPU it autocasts to bfloat16 without loss scaling, which torch
    supports there. float16, which needs the scaler, is refused. torch < 2.3
    trains in float32.
    """
    import torch
    from mmengine.optim import AmpOptimWrapper, OptimWrapper

    init = AmpOptimWrapper.__init__
    if _is_patched(init):
        return

    @_patch_of(init)
    def amp_init(self, loss_scale='dynamic', dtype=None, **kwargs):
        if not _on_cpu():
            return init(self, loss_scale=loss_scale, dtype=dtype, **kwargs)
        if dtype not in (None, 'bfloat16', torch.bfloat16):
            raise ValueError(
                f'optim_wrapper.dtype={dtype!r} needs a GPU; on a CPU mixed '
                "precision works with dtype='bfloat16' only"
            )
        kwargs.pop('use_fsdp', None)
        OptimWrapper.__init__(self, **kwargs)
        self._scale_update_param = None
        scaler = getattr(torch.amp, 'GradScaler', torch.cuda.amp.GradScaler)
        self.loss_scaler = scaler(enabled=False)
        self.cast_dtype = torch.bfloat16
        if torch_version() < (2, 3):  # its masked attention fails or aborts
            warnings.warn(
                'mixed precision on a CPU needs torch>=2.3; torch '
                f'{torch.__version__} trains in float32 instead'
            )
            self.optim_context = partial(OptimWrapper.optim_context, self)
        return None

    AmpOptimWrapper.__init__ = amp_init


def take_scores_in_float32() -> None:
    """mmaction2 1.2.0: its heads turn scores to numpy, which has no bfloat16.

    ``Got unsupported ScalarType BFloat16``, in training and in testing.
    """
    from mmaction.models.heads import BaseHead

    for name in ('loss_by_feat', 'predict_by_feat'):
        original = getattr(BaseHead, name)
        if _is_patched(original):
            continue

        @_patch_of(original)
        def in_float32(self, cls_scores, *args, _original=original, **kwargs):
            if str(getattr(cls_scores, 'dtype', '')) == 'torch.bfloat16':
                cls_scores = cls_scores.float()
            return _original(self, cls_scores, *args, **kwargs)

        setattr(BaseHead, name, in_float32)


def dump_config_of_started_runs() -> None:
    """mmengine <= 0.10.7 dumps a config before anything of a run is tried.

    A start that fails then leaves its config in place of that of a good run
    in the same folder. It is dumped when the first batch is done: all that
    can be wrong with lists, labels, weights, files or memory has shown by
    then.
    """
    from mmengine.runner import Runner

    dump, call_hook = Runner.dump_config, Runner.call_hook
    if _is_patched(dump):
        return
    done = ('after_train_iter', 'after_val_iter', 'after_test_iter')
    Runner._waits_for_batch = False

    @_patch_of(dump)
    def dump_config(self):
        self._waits_for_batch = True

    @_patch_of(call_hook)
    def call_hook_and_dump(self, fn_name, **kwargs):
        call_hook(self, fn_name, **kwargs)
        if fn_name in done and self._waits_for_batch:
            self._waits_for_batch = False
            dump(self)

    Runner.dump_config, Runner.call_hook = dump_config, call_hook_and_dump


def jitter_hue_without_overflow() -> None:
    """mmaction2 1.2.0: ``ColorJitter`` adds to the hue in uint8.

    numpy 2 raises where the offset is negative; where hue and offset exceed
    255, any numpy turns the sum to another colour.
    """
    import cv2
    import numpy as np
    from mmaction.datasets.transforms import ColorJitter

    adjust = ColorJitter.adjust_hue
    if _is_patched(adjust):
        return

    @_patch_of(adjust)
    def adjust_hue(img, factor):
        img = np.clip(img, 0, 255).astype(np.uint8)
        hsv = cv2.cvtColor(img, cv2.COLOR_RGB2HSV)
        hue = hsv[..., 0].astype(np.int16) + int(factor * 255)
        hsv[..., 0] = hue % 180  # an angle in steps of two degrees
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)

    ColorJitter.adjust_hue = staticmethod(adjust_hue)


def name_file_in_pipeline_errors() -> None:
    """mmengine <= 0.10.7: an unreadable video is not named in its error.

    decord says ``Error reading N bytes`` or nothing at all. Every exception
    raised inside a data pipeline is re-raised as :class:`PipelineError`.
    """
    from mmengine.dataset import Compose

    call = Compose.__call__
    if _is_patched(call):
        return

    @_patch_of(call)
    def compose_call(self, data):
        source = (
            data.get('filename', data.get('frame_dir'))
            if isinstance(data, dict)
            else None
        )
        try:
            return call(self, data)
        except Exception as error:
            if not isinstance(source, str) or isinstance(error, PipelineError):
                raise
            raise PipelineError(explain(source, error)) from error

    Compose.__call__ = compose_call


def name_annotation_file_in_errors() -> None:
    """mmaction2 1.2.0 names no file where an annotation file is unfit.

    An empty one gives ``need at least one array to concatenate``, a wrong
    line ``too many values to unpack`` or ``invalid literal for int()``. Of
    several labels, -1 stands for the last class.
    """
    from mmaction.datasets import BaseActionDataset

    init = BaseActionDataset.full_init
    if _is_patched(init):
        return

    @_patch_of(init)
    def full_init(self):
        try:
            init(self)
            if self.multi_class:
                _check_label_lists(self)
        except (IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"cannot use the annotation file '{self.ann_file}' "
                f'({type(error).__name__}: {error}). {type(self).__name__} '
                "expects lines such as 'path/video.mp4 label' or "
                "'frame/folder total_frames label', and at least one"
            ) from error

    BaseActionDataset.full_init = full_init


def _check_label_lists(dataset) -> None:
    from mmengine.dataset import BaseDataset

    for i in range(len(dataset)):
        labels = BaseDataset.get_data_info(dataset, i)['label']
        bad = [x for x in labels if not 0 <= x < dataset.num_classes]
        if bad:
            raise ValueError(
                f'entry {i + 1} has label {bad[0]}, but labels are 0 to '
                f'{dataset.num_classes - 1}'
            )


def keep_frames_without_label() -> None:
    """mmaction2 1.2.0: of several labels, none becomes the last class.

    ``RawframeDataset`` gives a line without label the label -1, also where
    labels become one-hot. ``VideoDataset`` gives it no label.
    """
    from mmaction.datasets import RawframeDataset
    from mmengine.fileio import list_from_file

    load = RawframeDataset.load_data_list
    if _is_patched(load):
        return

    @_patch_of(load)
    def load_data_list(self):
        found = load(self)
        if self.multi_class:
            numbers = 2 if self.with_offset else 1
            for info, line in zip(found, list_from_file(self.ann_file)):
                if len(line.split()) == 1 + numbers:
                    info['label'] = []
        return found

    RawframeDataset.load_data_list = load_data_list


class PipelineError(RuntimeError):
    """A sample could not be read or transformed; names its file."""


def explain(source: str, error: Exception) -> str:
    """Say in one line which file could not be used, and why."""
    reason = str(error).strip().splitlines() or ['']
    reason = f'{type(error).__name__}: {reason[0]}'
    if '://' not in source and not osp.exists(source):
        reason = 'no such file or folder'
    elif osp.isfile(source) and osp.getsize(source) == 0:
        reason = 'the file is empty (0 bytes)'
    elif 'Error reading' in reason or 'DECORDError' in reason:
        reason = f'truncated or no video ({reason})'
    return f"cannot use '{source}': {reason}"


def _on_cpu() -> bool:
    from mmengine.device import get_device

    return get_device() == 'cpu'


def torch_version() -> tuple:
    """Major and minor version of torch."""
    import torch

    return tuple(int(v) for v in torch.__version__.split('.')[:2])


def _patch_of(original):
    """Mark a replacement, so that a second call leaves it alone."""

    def decorate(function):
        function = wraps(original)(function)
        function._bike_patch = True
        return function

    return decorate


def _is_patched(function) -> bool:
    return getattr(function, '_bike_patch', False)
