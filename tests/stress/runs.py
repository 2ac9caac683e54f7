"""Small trainings by `bike train`, in forks of this process that may be killed.

Six real videos, cropped and flipped by chance, and a model with dropout: all
that is random in a training. A fork has no torch to import.
"""

import os
import os.path as osp
import random
import re
import signal
import sys
import threading
import time

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

import bike_mmaction  # noqa: F401
import bike_mmaction_cli
from tests.kit import ROOT
from tests.kit.forker import spare_work
from tests.kit.lists import write_text
from tests.kit.tools import environment, free_port
from tests.kit.videos import write_video

VIDEOS, CLASSES, EPOCHS = 12, 3, 3
BATCHES = {1: 3, 2: 2}  # of one rank, by the number of ranks
LENGTHS = {1: 4, 2: 3}  # iterations of an epoch
VALIDATION = {1: 3, 2: 2}  # iterations of a validation
JOURNAL = 'journal.txt'  # of what is saved


@MODELS.register_module(force=True)
class PooledFrames(BaseModel):
    """A line from coarse pictures to classes, behind dropout."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout = nn.Dropout(0.3)
        self.line = nn.Linear(3 * 16, CLASSES)

    def forward(self, inputs, data_samples, mode):
        frames = inputs.mean((1, 3))  # [B, V, 3, T, H, W] to [B, 3, H, W]
        features = nn.functional.adaptive_avg_pool2d(frames, 4).flatten(1)
        scores = self.line(self.dropout(features))
        if mode == 'loss':
            labels = torch.cat([sample.gt_label for sample in data_samples])
            return dict(loss_cls=nn.functional.cross_entropy(scores, labels))
        return [
            sample.set_pred_score(score) for sample, score in zip(data_samples, scores)
        ]


CONFIG = """
custom_imports = dict(imports=['bike_mmaction', 'tests.stress.runs'])
default_scope = 'mmaction'
model = dict(
    type='PooledFrames',
    data_preprocessor=dict(
        type='ActionDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3,
        format_shape='NCTHW'))
start = [dict(type='VideoInit'), dict(type='SparseSampleFrames', clip_len=2)]
end = [
    dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
decode = dict(type='VideoDecode')
data = dict(type='VideoDataset', ann_file='{root}/list.txt',
            data_prefix=dict(video='{root}'))
train_dataloader = dict(
    batch_size={batch}, num_workers=0, drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(pipeline=[*start, decode, dict(type='RandomCrop', size=24),
                           dict(type='Flip', flip_ratio=0.5), *end], **data))
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=[
        start[0], dict(start[1], test_mode=True), decode,
        dict(type='CenterCrop', crop_size=24), *end], test_mode=True, **data))
val_evaluator = dict(type='AccMetric')
val_cfg = dict(type='ValLoop')
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs={epochs})
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.05))
param_scheduler = dict(
    type='CosineAnnealingLR', T_max={epochs}, convert_to_iter_based=True)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1, save_best='auto'))
test_dataloader = test_evaluator = test_cfg = None
"""


# Further lines of the config.
DATA = {
    'plain': '',
    'repeated': """
parts = train_dataloader['dataset']['pipeline']
train_dataloader['dataset']['pipeline'] = [
    *parts[:3], dict(type='RepeatSample', num_repeats=2, transforms=parts[3:])]
train_dataloader['collate_fn'] = dict(type='repeat_pseudo_collate')
del parts
""",
    'unreadable': """
train_dataloader['dataset']['ann_file'] = '{root}/with_bad.txt'
""",
    'few-shot': """
train_dataloader['dataset'] = dict(
    type='FewShotDataset', shots=2, dataset=train_dataloader['dataset'])
""",
}


def write_config(folder, ranks=1, data='plain'):
    """Videos, list and config of a training on so many ranks; its path.

    Args:
        folder (str): Where they are written.
        ranks (int): Processes.
        data (str): A key of ``DATA``.
    """
    labels = {f'v{i}.mp4': i % CLASSES for i in range(VIDEOS)}
    for i, name in enumerate(labels):
        if not osp.exists(f'{folder}/{name}'):
            write_video(f'{folder}/{name}', num_frames=8, size=(40, 32), seed=i)
    write_text(f'{folder}/list.txt', *(f'{k} {v}' for k, v in labels.items()))
    # One is cut off behind its headers, one is not there.
    with open(f'{folder}/v0.mp4', 'rb') as file, open(f'{folder}/cut.mp4', 'wb') as cut:
        cut.write(file.read()[:600])
    names = ['v1.mp4', 'cut.mp4', *list(labels)[2:10], 'gone.mp4', 'v11.mp4']
    write_text(f'{folder}/with_bad.txt', *(f'{name} 0' for name in names))
    text = CONFIG.replace('{root}', str(folder)).replace('{epochs}', str(EPOCHS))
    text = text.replace('{batch}', str(BATCHES[ranks]))
    more = DATA[data].replace('{root}', str(folder))
    return write_text(
        f'{folder}/small_{ranks}_{data}.py'.replace('-', '_'), text + more
    )


def train(config, work, *options, ranks=1, trap=None):
    """Train in forks, whose checkpoints are noted in ``JOURNAL``.

    Args:
        config (str): A path.
        work (str): The folder of the run, whose file ``log.txt`` has what is
            printed.
        options (str): Of `bike train`.
        ranks (int): Processes.
        trap (Callable, optional): Called in the first of them before it trains.

    Returns:
        list[int]: The status of each, in the order in which they ended.
    """

    def prepared():
        keep_journal(work)
        if trap:
            trap()

    arguments = ['train', config, '--work-dir', work, *options]
    return run(arguments, work, ranks, prepared)


def run(arguments, work, ranks=1, trap=None):
    """Run a command of `bike` in forks; as soon as one of them ends badly, the
    others are killed. Arguments and result as those of :func:`train`."""
    os.makedirs(work, exist_ok=True)
    port, processes = free_port(), []
    for rank in range(ranks):
        process = os.fork()
        if not process:
            os._exit(_be_rank(rank, ranks, port, arguments, work, trap))
        processes.append(process)
    statuses = []
    while processes:
        process, status = os.wait()
        processes.remove(process)
        statuses.append(os.waitstatus_to_exitcode(status))
        if status:
            for other in processes:
                os.kill(other, signal.SIGKILL)
    return statuses


def train_once(config, work, *options, ranks=1, trap=None):
    """Train to the end, unless that was done."""
    if not osp.exists(f'{work}/epoch_{EPOCHS}.pth'):
        statuses = train(config, work, *options, ranks=ranks, trap=trap)
        assert statuses == [0] * ranks, log_of(work)


def _be_rank(rank, ranks, port, arguments, work, trap):
    os.setpgid(0, 0)
    output = os.open(f'{work}/log.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w')
    random.seed()  # nothing may depend on what was before
    np.random.seed()
    torch.seed()
    os.environ.update(environment(RANK=str(rank), LOCAL_RANK=str(rank)))
    os.environ.update(WORLD_SIZE=str(ranks), MASTER_PORT=port, MASTER_ADDR='127.0.0.1')
    launcher = ['--launcher', 'pytorch'] if ranks > 1 else []
    try:
        if rank == 0 and trap:
            trap()
        bike_mmaction_cli.main(list(map(str, [*arguments, *launcher])))
        return 0
    except SystemExit as end:
        print(end.code, flush=True)
        return 1 if end.code else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        from bike_mmaction.compat import leave_process_group

        leave_process_group()
        sys.stdout.flush()
        sys.stderr.flush()


def die():
    """As the machine does it: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def keep_journal(work):
    """Note each checkpoint once it is in its place."""
    replace = os.replace

    def noting(source, target, **kwargs):
        replace(source, target, **kwargs)
        if str(target).endswith('.pth'):
            with open(f'{work}/{JOURNAL}', 'a') as file:
                file.write(f'{osp.basename(target)}\n')

    os.replace = noting


def die_after(seconds):
    """A trap: at a moment that has nothing to do with what is done."""

    def trap():
        threading.Thread(
            target=lambda: (time.sleep(seconds), die()), daemon=True
        ).start()

    return trap


def die_at_write(number, count_in=None):
    """A trap: around the n-th step on the disk that concerns checkpoints.

    Steps are: half of a checkpoint, before it is flushed, before and after it
    takes its place, before and after something is removed.

    Args:
        number (int): Of the step; -1: none of them.
        count_in (str, optional): A file that counts the steps, by its bytes.
    """

    def trap():
        done = iter(range(10**6))

        def is_it():
            if count_in:
                with open(count_in, 'a') as file:
                    file.write('.')
            return next(done) == number

        def step(path):
            name = osp.basename(str(path))
            if name.endswith(('.pth', 'last_checkpoint')) and is_it():
                die()

        for name in ('replace', 'remove'):
            setattr(os, name, _around(getattr(os, name), step))
        fsync, save = os.fsync, torch.save

        def flush(file):
            step(os.readlink(f'/proc/self/fd/{file}'))
            fsync(file)

        def save_half(content, file):
            if is_it():
                save(content, f'{file.name}_')
                with open(f'{file.name}_', 'rb') as whole:
                    file.write(whole.read()[: osp.getsize(whole.name) // 2])
                os.remove(f'{file.name}_')
                file.flush()
                die()
            save(content, file)

        os.fsync, torch.save = flush, save_half

    return trap


def _around(original, step):
    def call(path, *args, **kwargs):
        target = args[0] if args else path
        step(target)
        original(path, *args, **kwargs)
        step(target)

    return call


def die_in(hook, number):
    """A trap: when hooks are called for the n-th time at this place."""

    def trap():
        calls, call_hook = iter(range(10**6)), Runner.call_hook

        def call(self, fn_name, **kwargs):
            if fn_name == hook and next(calls) == number:
                die()
            call_hook(self, fn_name, **kwargs)

        Runner.call_hook = call

    return trap


def last_saved(work, length):
    """Iterations behind the newest checkpoint that was in its place."""
    done = [0]
    if osp.exists(f'{work}/{JOURNAL}'):
        with open(f'{work}/{JOURNAL}') as file:
            for name in file.read().split():
                number = int(re.search(r'(\d+)\.pth$', name)[1])
                done.append(number if name.startswith('iter') else number * length)
    return max(done)


def resumed_at(work):
    """Iterations behind the checkpoint that the last start went on from."""
    return int(re.findall(r'resumed epoch: \d+, iter: (\d+)', log_of(work, None))[-1])


def log_of(work, characters=1500):
    """The end of what a run has printed."""
    with open(f'{work}/log.txt') as file:
        return file.read()[-characters if characters else None :]


def differences(work, other):
    """What differs between the last checkpoints of two runs, by name."""
    states = [
        torch.load(f'{folder}/epoch_{EPOCHS}.pth', weights_only=False)
        for folder in (work, other)
    ]
    first, second = ({k: x[k] for k in _COMPARED} for x in states)
    return sorted(_unequal(first, second, ''))


_COMPARED = ('state_dict', 'optimizer', 'param_schedulers')


def _unequal(first, second, name):
    if isinstance(first, dict) and first.keys() == getattr(second, 'keys', dict)():
        for key in first:
            yield from _unequal(first[key], second[key], f'{name}/{key}')
    elif isinstance(first, list) and len(first) == len(second):
        for i, pair in enumerate(zip(first, second)):
            yield from _unequal(*pair, f'{name}/{i}')
    elif torch.is_tensor(first):
        if not torch.equal(first, second):
            yield name
    elif first != second:
        yield name


def prepare():
    """What a program does once, before its forks."""
    os.chdir(ROOT)
    torch.set_num_threads(1)
    spare_work()
