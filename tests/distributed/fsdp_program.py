"""Trains tiny recognizers by one process, by DDP and by FSDP; run as a program.

Arguments: a folder, in which each training has one of its own, and the config for
a training by the command line.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress

import torch
import torch.multiprocessing as mp
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import FUNCTIONS, HOOKS, RUNNERS

from bike_mmaction.compat import leave_process_group
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.models.finite import check_weights
from bike_mmaction.models.wrappers import unwrap_model
from bike_mmaction.recipes import use_fsdp
from tests.kit.models import (
    CLASSES,
    image_encoder,
    temporal_transformer,
    text_encoder,
    video_branch,
)
from tests.kit.stopping import StopBefore
from tests.kit.tools import free_port, run_tool

# Of each: options of its VCSHead, of its model, and of its optim_wrapper.
KINDS = dict(
    plain=(dict(), dict(), dict()),
    # Two scalars, frozen weights beside trained ones in a shard, recomputed blocks,
    # accumulated and clipped gradients.
    lora=(
        dict(
            text_encoder=text_encoder(frozen=False, with_cp=True),
            loss_cls=dict(type='SigmoidLoss'),
        ),
        dict(backbone=image_encoder(lora=dict(rank=2), with_cp=True)),
        dict(clip_grad=dict(max_norm=0.01), accumulative_counts=2),
    ),
)


HOOKS.register_module(module=StopBefore)


@FUNCTIONS.register_module('random_videos')
def random_videos(numbers):
    videos = []
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        videos.append(torch.rand(1, 3, 2, 32, 32, generator=generator))
    samples = [ActionDataSample().set_gt_label(n % len(CLASSES)) for n in numbers]
    return dict(inputs=videos, data_samples=samples)


def config_of(kind, work_dir, world):
    head, parts, optimizing = KINDS[kind]
    model = video_branch(
        CLASSES, head, **dict(dict(neck=temporal_transformer()), **parts)
    )
    model['data_preprocessor'] = dict(
        type='ActionDataPreprocessor',
        mean=[0.5] * 3,
        std=[0.5] * 3,
        format_shape='NCTHW',
    )
    optimizer = dict(type='AdamW', lr=1e-3, weight_decay=0.2, eps=1e-3)
    keys = dict(backbone=dict(lr_mult=0.1), logit_scale=dict(lr_mult=0.1))
    epochs = 2 if kind == 'plain' else 1
    return Config(
        dict(
            model=model,
            work_dir=work_dir,
            default_scope='mmaction',
            train_dataloader=dict(
                dataset=list(range(8)),
                sampler=dict(type='DefaultSampler', shuffle=True),
                batch_size=4 // world,
                collate_fn=dict(type='random_videos'),
            ),
            train_cfg=dict(type='AnySizeTrainLoop', max_epochs=epochs),
            optim_wrapper=dict(
                dict(optimizer=optimizer, paramwise_cfg=dict(custom_keys=keys)),
                **optimizing,
            ),
            param_scheduler=[
                dict(type='CosineAnnealingLR', T_max=epochs, convert_to_iter_based=True)
            ],
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=2),
                check_start=dict(type='CheckStart'),
                check_resume=dict(type='CheckResume'),
                check_finite=dict(type='CheckFinite'),
                exact_resume=dict(type='ExactResume'),
            ),
            randomness=dict(seed=0),
            log_level='WARNING',
            env_cfg=dict(dist_cfg=dict(backend='gloo')),
            runner_type='Runner',
            launcher='none' if world == 1 else 'pytorch',
        )
    )


def train(kind, work_dir, world=2, fsdp=True, save_every=None, **more):
    cfg = config_of(kind, work_dir, world)
    if fsdp:
        use_fsdp(cfg)
    cfg.default_hooks.checkpoint.save_every = save_every
    cfg.update(more)
    runner = RUNNERS.build(cfg)
    runner.train()
    return runner


def stop_and_resume(folder):
    """In the middle of the second epoch; with FSDP, and by DDP."""
    stopped = f'{folder}/stopped'
    at_third, at_second = [[dict(type='StopBefore', iteration=n)] for n in (3, 2)]
    with suppress(KeyboardInterrupt):
        train('plain', stopped, custom_hooks=at_third, save_every=1)
    if torch.distributed.get_rank() == 0:
        shutil.copytree(stopped, f'{folder}/by_ddp')
    torch.distributed.barrier()
    # They go on behind the second, which would stop them.
    train('plain', stopped, resume=True, custom_hooks=at_second)
    train('plain', f'{folder}/by_ddp', fsdp=False, resume=True, custom_hooks=at_second)


def facts_of(model):
    """Numbers of trained values, of this process; and how NaN in one is told."""
    trained = [p for p in model.parameters() if p.requires_grad]
    sizes = sum(p.numel() for p in trained if p.ndim), sum(not p.ndim for p in trained)
    if torch.distributed.get_rank() == 1:
        next(p for p in trained if p.ndim and p.numel()).data.fill_(float('nan'))
    try:
        check_weights(unwrap_model(model), 'weights')
    except NonFiniteError as error:
        return sizes, str(error)


def run_rank(number, port, folder, config):
    signal.alarm(240)  # none waits for others for ever
    torch.set_num_threads(1)
    register_all_modules()
    if number == 2:  # a process by itself
        train('plain', f'{folder}/plain_one', world=1, fsdp=False)
        return
    os.environ.update(
        RANK=str(number),
        LOCAL_RANK=str(number),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port,
    )
    for kind in KINDS:
        train(kind, f'{folder}/{kind}_ddp', fsdp=False)
        model = train(kind, f'{folder}/{kind}_fsdp').model
    torch.save(facts_of(model), f'{folder}/facts_{number}.pt')
    del model
    stop_and_resume(folder)
    run_tool(
        'train', config, '--launcher', 'pytorch', '--work-dir', f'{folder}/command'
    )
    leave_process_group()


if __name__ == '__main__':
    arguments = (free_port(), *sys.argv[1:])
    mp.start_processes(run_rank, arguments, nprocs=3, start_method='fork')
