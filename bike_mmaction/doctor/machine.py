"""What this machine has: GPUs, memory, disk, folders."""

import os
import os.path as osp
import shutil
import subprocess
from collections.abc import Iterator

from .findings import ERROR, OK, WARNING, Check, Finding, failed

GIB = 2**30
_LEAST_SHARED = 1 * GIB  # what loaders pass batches through
_LEAST_FREE = 10 * GIB  # for checkpoints of a training
_LEAST_FILES = 4096  # open at once
OFFLINE = ('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE')


def checks() -> list[tuple[str, Check]]:
    """All of them, in the order of their report."""
    return [
        ('GPU', _gpus),
        ('weights', _weights),
        ('shared memory', _shared_memory),
        ('open files', _open_files),
        ('disk', _disk),
        ('fonts', _fonts),
    ]


def _gpus() -> Iterator[Finding]:
    import torch

    version, built = _driver(), torch.version.cuda or torch.version.hip
    if not torch.cuda.is_available():
        hidden = os.environ.get('CUDA_VISIBLE_DEVICES')
        if not version:
            text = 'none, nor a driver of one: a CPU trains only small models'
            yield Finding('GPU', WARNING, text)
        elif not built:
            text = (
                f'driver {version}, but torch {torch.__version__} is built without CUDA'
            )
            cure = 'pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/cu126'
            yield Finding('GPU', ERROR, text, cure)
        elif hidden is not None and hidden.strip() in ('', '-1'):
            yield Finding(
                'GPU',
                WARNING,
                f'hidden by CUDA_VISIBLE_DEVICES={hidden!r}',
                'unset CUDA_VISIBLE_DEVICES',
            )
        else:
            torch_version = f'torch {torch.__version__} with CUDA {built}'
            text = f'driver {version} does not fit {torch_version}'
            yield Finding(
                'GPU',
                ERROR,
                text,
                'a newer driver, or a torch for an older CUDA (see https://pytorch.org)',
            )
        return
    for index in range(torch.cuda.device_count()):
        yield _gpu(torch, index, version)


def _gpu(torch, index: int, version: str) -> Finding:
    subject = f'GPU {index}'
    properties = torch.cuda.get_device_properties(index)
    text = (
        f'{properties.name}, {properties.total_memory / GIB:.0f} GiB, '
        f'driver {version}, CUDA {torch.version.cuda} of torch'
    )
    try:
        one = torch.ones(8, 8, device=f'cuda:{index}')
        works = bool((one @ one == 8).all())
    except RuntimeError as error:
        kinds = ' '.join(torch.cuda.get_arch_list())
        cure = f'a torch that is built for it; this one is for {kinds}'
        return Finding(subject, ERROR, f'{text}: {failed("", error).text}', cure)
    return Finding(
        subject, OK if works else ERROR, text if works else f'{text}: computes wrongly'
    )


def _driver() -> str:
    """Version of NVIDIA's driver; '' if there is none."""
    program = shutil.which('nvidia-smi')
    if not program:
        return ''
    command = [program, '--query-gpu=driver_version', '--format=csv,noheader']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.split('\n')[0].strip() if done.returncode == 0 else ''


def weight_folders() -> list[str]:
    """Where downloaded weights lie."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from torch.hub import get_dir

    clip = osp.expanduser('~/.cache/clip')  # open_clip's, of addresses
    return [HF_HUB_CACHE, clip, osp.join(get_dir(), 'checkpoints')]


def _weights() -> Iterator[Finding]:
    for folder in weight_folders():
        above = folder
        while not osp.exists(above):
            above = osp.dirname(above)
        free = shutil.disk_usage(above).free / GIB
        size, count = 0, 0
        for place, _, names in os.walk(folder):
            paths = [osp.join(place, name) for name in names]
            files = [
                path for path in paths if osp.isfile(path) and not osp.islink(path)
            ]
            size, count = size + sum(map(osp.getsize, files)), count + len(files)
        text = f"'{folder}': {count} files, {size / GIB:.1f} GiB; {free:.0f} GiB free"
        if not os.access(above, os.W_OK):
            cure = 'export HF_HOME=FOLDER that you may write to'
            yield Finding('weights', WARNING, f'{text}; it cannot be written', cure)
        else:
            yield Finding('weights', OK, text)
    for name in OFFLINE:
        if os.environ.get(name, '').upper() in ('1', 'ON', 'YES', 'TRUE'):
            text = f'{name}={os.environ[name]}: nothing is downloaded'
            yield Finding(
                'weights', WARNING, text, f'unset {name}, if that is not meant'
            )


def _shared_memory() -> Iterator[Finding]:
    if not osp.isdir('/dev/shm'):
        yield Finding('shared memory', OK, 'this system has no /dev/shm')
        return
    total, _, free = shutil.disk_usage('/dev/shm')
    text = f'/dev/shm has {free / GIB:.1f} of {total / GIB:.1f} GiB free'
    if free < _LEAST_SHARED:
        cure = 'docker run --shm-size=8g, or train_dataloader.num_workers=0'
        yield Finding('shared memory', WARNING, f'{text}: loaders may be killed', cure)
    else:
        yield Finding('shared memory', OK, text)


def _open_files() -> Iterator[Finding]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _LEAST_FILES:
        text = f'{soft} at once (at most {hard}), which many workers may exceed'
        yield Finding(
            'open files',
            WARNING,
            text,
            f'ulimit -n {min(65536, hard) if hard > 0 else 65536}',
        )
    else:
        yield Finding('open files', OK, f'{soft} at once')


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage('.').free
    text = f"{free / GIB:.0f} GiB free in '{os.getcwd()}'"
    if free < _LEAST_FREE:
        cure = (
            '--work-dir on a larger disk, or default_hooks.checkpoint.max_keep_ckpts=1'
        )
        yield Finding('disk', WARNING, f'{text}: few checkpoints fit', cure)
    else:
        yield Finding('disk', OK, text)


def _fonts() -> Iterator[Finding]:
    from ..visualization.video import load_font

    load_font(14)
    yield Finding('fonts', OK, 'DejaVu Sans of matplotlib, for names on videos')
