"""What `bike train` does with a data folder, before and after training."""

import argparse
import copy
import os.path as osp

from ..shipped import FROZEN, RUNS, SAMPLES
from ..terminal import say
from .mistakes import rank_of_process

_LOCKS: list = []  # held until the process ends: two trainings would mix their files


def choose(folder: str, args: argparse.Namespace, clips: int) -> str:
    """The way to tune: the one that is asked for, or the one that fits."""
    from ..apis.own_data.training import choose_way, gpu_memory

    if args.tune is not None:
        return args.tune
    way, reason = choose_way(clips, gpu_memory())
    say(f'tuning: {way}, as {reason} (--tune frozen, lora or full chooses)')
    return way


def start(cfg, folder: str, args: argparse.Namespace):
    """Change the config of a data folder.

    Args:
        cfg (Config): As it was read; changed.
        folder (str): The data folder.
        args (argparse.Namespace): Of `bike train`; its ``work_dir`` is set.

    Returns:
        Config: The same, which reads videos.

    Raises:
        BlockingIOError: if another training writes the same ``work_dir``.
        ValueError: if CLIP is frozen, and there are to be several processes.
    """
    from ..apis.own_data.training import keep_embeddings
    from ..evaluation.lock import Lock
    from ..recipes.tuning import tune
    from ..text_files import read_lines

    way = choose(
        folder, args, sum(1 for _ in read_lines(osp.join(folder, 'train.txt')))
    )
    if way == FROZEN and args.launcher != 'none':
        raise ValueError(
            '--tune frozen trains in seconds, in one process: leave out the launcher, '
            'or tune otherwise (--tune lora, --tune full)'
        )
    if way != FROZEN and args.samples is not None:
        say(f'--samples has no effect with --tune {way}: nothing is embedded')
    if args.work_dir is None:
        args.work_dir = osp.join(folder, RUNS, way)
    if not rank_of_process():
        _LOCKS.append(Lock(osp.join(args.work_dir, 'lock')))
        _LOCKS[-1].acquire()
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    tune(cfg, way)
    plain = copy.deepcopy(cfg)
    cfg.setdefault('runner_type', 'BriefRunner')
    if way == FROZEN:
        keep_embeddings(cfg, folder, args.samples or SAMPLES)
    return plain


def finish(cfg, plain, folder: str) -> None:
    """Test, calibrate, write the model, and say how to use it."""
    from mmengine.dist import is_main_process

    from ..apis.own_data.training import finish_training, report
    from ..report.data_folder import run_of_model

    before, run = run_of_model(folder), osp.basename(osp.abspath(cfg.work_dir))
    report(finish_training(cfg, plain, folder))
    if is_main_process():
        if before not in ('', run):
            say(
                f"the model in '{folder}' is now of the training '{run}', and no more "
                f"of '{before}', whose checkpoints stay"
            )
        make_page(folder, cfg.work_dir)


def make_page(folder: str, run: str) -> None:
    """Write the report of a training; the model is there without it as well."""
    from ..apis import BIKEInferencer
    from ..report.data_folder import files_of_run, has_scores
    from ..report.making import write_report

    if not has_scores(run):
        return
    try:
        inputs, out = files_of_run(folder, run)
        write_report(inputs, out, BIKEInferencer(folder, workers=0))
    except Exception as error:  # the training is done, and nothing of it is lost
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        say(f'warning: no report ({reason}); `bike report {folder}` tries again')
    else:
        say(f"report: '{out}'; open it in a browser")
