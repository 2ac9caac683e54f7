"""What a step of training takes where several ranks train, each its own batch."""

import datetime
import os.path as osp
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel

from .measuring import Report, Spread, Times, by_turns
from .models import Subject, check_recognizer, make_step

LIMIT = datetime.timedelta(minutes=10)  # for a message of another rank


def benchmark_ranks(
    config: Config, ranks: Sequence[int], report: Report, repeats: int, **options: Any
) -> None:
    """Weak scaling: each rank has as many videos as one alone.

    Processes of their own by gloo, or on GPUs, one for each, by NCCL.

    Args:
        config (Config): Of a recognizer with CLIP's image tower.
        ranks (Sequence[int]): How many, the fewest first.
        report (Report): Takes the figures; ratios are to the fewest ranks.
        repeats (int): Steps that are measured.
        **options: Of :class:`Subject`.
    """
    check_recognizer(config.model)
    medians: list[float] = []
    for count in ranks:
        times, device = measure_ranks(config, count, repeats, options)
        medians.append(float(np.median(times.clock)))
        videos = options['videos']
        report.add(
            f'step of training, {videos} videos a rank, {device}, ranks = {count}',
            axis='ranks',
            at=count,
            a_step=Spread.of(1000 * times.clock, 'ms'),
            processor_time_of_a_rank=Spread.of(1000 * times.processor, 'ms'),
            videos_of_all_ranks=Spread.of(count * videos / times.clock, 'videos/s'),
            ratio_of_time=medians[-1] / medians[0],
        )


def measure_ranks(
    config: Config, count: int, repeats: int, options: dict[str, Any]
) -> tuple[Times, str]:
    """Times of the first rank's steps, and the kind of its device.

    Args:
        config (Config): See above.
        count (int): Ranks.
        repeats (int): Steps.
        options (dict): Of :class:`Subject`.

    Raises:
        ValueError: if there are fewer GPUs.
    """
    device = torch.device(options.get('device') or _default_device())
    if device.type == 'cuda' and count > torch.cuda.device_count():
        raise ValueError(
            f'{count} ranks need as many GPUs, here are {torch.cuda.device_count()}; '
            'give fewer --ranks, or --device cpu'
        )
    with tempfile.TemporaryDirectory() as folder:
        arguments = (count, device.type, folder, config.to_dict(), repeats, options)
        mp.spawn(_train, arguments, nprocs=count)
        return Times(*np.load(osp.join(folder, 'times.npy'))), device.type


def _default_device() -> str:
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def _train(
    rank: int,
    count: int,
    kind: str,
    folder: str,
    config: dict,
    repeats: int,
    options: dict[str, Any],
) -> None:
    """In a process of its own: one of the ranks."""
    from mmaction.utils import register_all_modules

    register_all_modules()
    backend, device = ('nccl', f'cuda:{rank}') if kind == 'cuda' else ('gloo', 'cpu')
    if kind == 'cuda':
        torch.cuda.set_device(device)
    dist.init_process_group(
        backend, f'file://{folder}/meet', LIMIT, world_size=count, rank=rank
    )
    subject = Subject(Config(config), **dict(options, device=device))
    model: Any = MMDistributedDataParallel(
        subject.model,
        device_ids=[rank] if kind == 'cuda' else None,
        broadcast_buffers=False,
        find_unused_parameters=config.get('find_unused_parameters', False),
    )
    step = make_step(model, subject.optim, subject.data)
    times = by_turns(dict(step=step), repeats)['step']
    if rank == 0:
        np.save(osp.join(folder, 'times.npy'), [times.clock, times.processor])
    dist.destroy_process_group()
