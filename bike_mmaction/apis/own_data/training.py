"""From a data folder to a model that can be used: choices before training,
and tests, calibration and the model folder after it."""

import copy
import glob
import os
import os.path as osp
from typing import NamedTuple, Optional

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...checkpoint import newest_checkpoint, save_checkpoint
from ...evaluation.calibration import Calibration, calibrate
from ...evaluation.dump_files import load_dump
from ...files import write_json, write_lines, write_text
from ...models.lora import merged_state
from ...models.vcs_head import VCSHead
from ...recipes import use_cached_embeddings
from ...recipes.tuning import EPOCHS
from ...shipped import FROZEN, FULL, LORA, MODEL_FOLDER, SCORES, WEIGHTS
from ..building import build_recognizer
from ..embedding_cache import embed_dataset

EMBEDDINGS = 'embeddings'
SAMPLES = 8  # of each training video: what augmentation there is without decoding
ENOUGH_FOR_FULL, ENOUGH_MEMORY = 1000, 16  # clips, and GiB of the GPU
_CLASSES = 'classes.txt'
_PARTS = ('val', 'test')


class Choice(NamedTuple):
    """A way to tune, and why it is this one."""

    way: str
    reason: str


class Outcome(NamedTuple):
    """What a finished training leaves.

    Attributes:
        folder (str): Of the model.
        metrics (dict[str, dict]): Of 'val' and 'test', as far as there are.
        calibration (Calibration, optional): None without validation, or where
            a clip may have several labels.
    """

    folder: str
    metrics: dict[str, dict]
    calibration: Optional[Calibration]


def choose_way(clips: int, memory: Optional[float]) -> Choice:
    """How to tune, by the data and the machine.

    Args:
        clips (int): To train on.
        memory (float, optional): Of the GPU in GiB; None without one.
    """
    if memory is None:
        return Choice(FROZEN, 'there is no GPU')
    if memory < ENOUGH_MEMORY:
        return Choice(
            FROZEN, f'the GPU has {memory:.0f} GiB of memory, less than {ENOUGH_MEMORY}'
        )
    if clips < ENOUGH_FOR_FULL:
        return Choice(LORA, f'{clips} clips are few for all of CLIP')
    return Choice(FULL, f'there are {clips} clips, and a GPU')


def gpu_memory() -> Optional[float]:
    """Of the first GPU in GiB; None without one."""
    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_properties(0).total_memory / 2**30


def keep_embeddings(cfg: Config, folder: str, samples: int = SAMPLES) -> None:
    """Let frame embeddings take the place of videos, where CLIP is frozen.

    Args:
        cfg (Config): Of the data folder, tuned; changed.
        folder (str): The data folder; what is embedded is kept in it.
        samples (int): Of each training video. Defaults to 8.
    """
    store = osp.join(folder, EMBEDDINGS)
    embed_dataset(cfg, store, min(samples, EPOCHS[FROZEN]), retry=True, progress=True)
    use_cached_embeddings(cfg, store)


def finish_training(cfg: Config, plain: Config, folder: str) -> Outcome:
    """Test the best weights, calibrate, and write the model folder.

    Args:
        cfg (Config): That was trained; with its ``work_dir``.
        plain (Config): The same before embeddings took the place of videos.
        folder (str): The data folder.

    Raises:
        FileNotFoundError: if there is no checkpoint.
    """
    checkpoint = best_checkpoint(cfg.work_dir)
    parts = [part for part in _PARTS if cfg.get(f'{part}_dataloader')]
    metrics = {part: test_part(cfg, part, checkpoint) for part in parts}
    target, fitted = osp.join(folder, MODEL_FOLDER), None
    if is_main_process():
        recognizer = build_recognizer(plain, checkpoint)
        if 'val' in parts:
            fitted = calibrate_part(cfg.work_dir, 'val', recognizer.cls_head)
        write_model(recognizer, plain, target, fitted)
        write_json(
            osp.join(target, 'about.json'),
            dict(
                checkpoint=osp.abspath(checkpoint),
                metrics=metrics,
                calibration=None if fitted is None else fitted._asdict(),
            ),
        )
    barrier()
    return Outcome(target, metrics, fitted)


def best_checkpoint(work_dir: str) -> str:
    """That of the best validation, or else the newest.

    Raises:
        FileNotFoundError: if there is none.
    """
    best = glob.glob(osp.join(glob.escape(work_dir), 'best_*.pth'))
    path = max(best, key=osp.getmtime) if best else newest_checkpoint(work_dir)
    if path is None:
        raise FileNotFoundError(f"there is no checkpoint in '{work_dir}'")
    return path


def test_part(cfg: Config, part: str, checkpoint: str) -> dict:
    """Metrics of a part of the data; its scores are written beside the log."""
    cfg = copy.deepcopy(cfg)
    for key in ('dataloader', 'evaluator'):
        cfg[f'test_{key}'] = cfg[f'{part}_{key}']
    metrics = cfg.test_evaluator
    metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    scores = ConfigDict(
        type='DumpScores', out_file_path=scores_file(cfg.work_dir, part)
    )
    cfg.test_evaluator = [*metrics, scores]
    cfg.test_cfg = ConfigDict(type='ReportingTestLoop')
    cfg.work_dir = osp.join(cfg.work_dir, part)
    cfg.load_from, cfg.resume = checkpoint, False
    for key in ('train', 'val'):
        for name in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{key}_{name}', None)
    cfg.pop('optim_wrapper', None)
    cfg.pop('param_scheduler', None)
    cfg.default_hooks.pop('early_stopping', None)
    cfg.experiment_name = f'{part}_{osp.basename(osp.dirname(cfg.work_dir))}'
    results = Runner.from_cfg(cfg).test()
    return {key: float(value) for key, value in results.items() if np.ndim(value) == 0}


def scores_file(work_dir: str, part: str) -> str:
    """Where the scores of a part are written."""
    return osp.join(work_dir, SCORES.format(part))


def calibrate_part(work_dir: str, part: str, head: VCSHead) -> Optional[Calibration]:
    """Calibrate by the scores that :func:`test_part` has written.

    Returns:
        Calibration | None: None where clips may have several labels.
    """
    samples = load_dump(scores_file(work_dir, part))
    labels = [torch.as_tensor(sample['gt_label']).reshape(-1) for sample in samples]
    if any(len(label) != 1 for label in labels):
        return None
    ranks = torch.stack([torch.as_tensor(s['video_score']) for s in samples])
    cosines = ranks if head.average_clips == 'score' else ranks.log()
    scale = float(head.logit_scale.detach().exp())
    return calibrate(cosines.numpy(), torch.cat(labels).numpy(), scale)


def write_model(
    recognizer, cfg: Config, target: str, fitted: Optional[Calibration]
) -> None:
    """Write a folder from which videos are recognized: config, weights, names.

    Adapters become part of the weights, and the fitted scale becomes the logit
    scale, which leaves the order of the classes as it is.

    Args:
        recognizer (nn.Module): Trained.
        cfg (Config): Its config, which reads videos.
        target (str): The folder.
        fitted (Calibration, optional): None leaves the scale as it is.
    """
    os.makedirs(target, exist_ok=True)
    state = merged_state(recognizer)
    if fitted is not None:
        state['cls_head.logit_scale'] = torch.tensor(float(np.log(fitted.scale)))
    write_lines(osp.join(target, _CLASSES), recognizer.cls_head.class_names)
    save_checkpoint(dict(state_dict=state), osp.join(target, WEIGHTS))
    write_text(osp.join(target, 'config.py'), model_config(cfg, fitted))


def model_config(cfg: Config, fitted: Optional[Calibration]) -> str:
    """The config of a model folder: the model, and how a video is read."""
    model = copy.deepcopy(cfg.model)
    model['backbone'].pop('lora', None)
    model['cls_head']['class_names'] = '{{ fileDirname }}/' + _CLASSES
    dataloader = copy.deepcopy(cfg.get('test_dataloader') or cfg.train_dataloader)
    own = Config(
        dict(
            custom_imports=dict(imports=['bike_mmaction'], allow_failed_imports=False),
            default_scope='mmaction',
            model=model,
            test_pipeline=dataloader['dataset']['pipeline'],
            test_dataloader=dataloader,
            # confidence below which a video is none of the classes
            threshold=0.0 if fitted is None else round(fitted.threshold, 4),
        )
    )
    return own.pretty_text


def report(outcome: Outcome) -> None:
    """Say how good the model is, and how it is used."""
    lines = []
    for part, metrics in outcome.metrics.items():
        values = ', '.join(
            f'{key.partition("/")[2]} {100 * value:.1f} %'
            for key, value in metrics.items()
            if key.startswith('acc/')
        )
        lines.append(f'{part}: {values}')
    if outcome.calibration is not None:
        fitted = outcome.calibration
        lines.append(
            f'confidences: off by {100 * fitted.error[1]:.0f} % on average (before '
            f'calibration {100 * fitted.error[0]:.0f} %); below '
            f'{fitted.threshold:.2f} a video is none of the classes, which keeps '
            f'{100 * fitted.kept:.0f} % of their videos and refuses '
            f'{100 * fitted.refused:.0f} % of others (on the validation part)'
        )
    folder = osp.dirname(outcome.folder)
    lines.append(f'use it: bike infer VIDEO --config {folder}')
    for line in lines:
        print_log(line, 'current')
