"""From a data folder to a model that can be used: choices before training,
and tests, calibration and the model folder after it."""

import copy
import glob
import os
import os.path as osp
from typing import NamedTuple, Optional, Union

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.registry import RUNNERS

from ...checkpoint import newest_checkpoint, save_checkpoint
from ...datasets.same_settings import OtherSettingsError
from ...evaluation.calibration import Calibration, calibrate
from ...evaluation.dump_files import load_dump
from ...evaluation.label_calibration import LabelCalibration, calibrate_labels
from ...evaluation.score_dumps import Dump, labels_of
from ...files import write_json, write_lines, write_text
from ...models.clip.lora import merged_state
from ...models.vcs_head import VCSHead
from ...recipes import use_cached_embeddings
from ...recipes.evaluators import add_metric
from ...recipes.tuning import EPOCHS
from ...shipped import FROZEN, FULL, LORA, MODEL_FOLDER, SAMPLES, SCORES, WEIGHTS
from ...terminal import say
from ..building import build_recognizer
from ..embedding_cache import embed_dataset
from ..inference.call_classes import default_threshold

EMBEDDINGS = 'embeddings'
ENOUGH_FOR_FULL, ENOUGH_MEMORY = 1000, 16  # clips, and GiB of the GPU
_CLASSES = 'classes.txt'
_PARTS = ('val', 'test')
_JUDGED = ('acc/top1', 'acc/mAP')  # a mean of classes counts one without clips as 0
LEAST_THRESHOLD = 1e-4  # of several labels: 0 would name all of them
Fitted = Union[Calibration, LabelCalibration]


class Choice(NamedTuple):
    """A way to tune, and why it is this one."""

    way: str
    reason: str


class Outcome(NamedTuple):
    """What a finished training leaves.

    Attributes:
        folder (str): Of the model.
        metrics (dict[str, dict]): Of 'val' and 'test', as far as there are.
        calibration (Calibration | LabelCalibration, optional): The latter where
            a clip may have several labels; None without validation.
    """

    folder: str
    metrics: dict[str, dict]
    calibration: Optional[Fitted]


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

    Those of an earlier training with other settings, such as another seed, are
    made anew.

    Args:
        cfg (Config): Of the data folder, tuned; changed.
        folder (str): The data folder; what is embedded is kept in it.
        samples (int): Of each training video. Defaults to 8.
    """
    store, samples = osp.join(folder, EMBEDDINGS), min(samples, EPOCHS[FROZEN])
    try:
        embed_dataset(cfg, store, samples, retry=True, progress=True)
    except OtherSettingsError as error:
        say(f"'{store}' is made anew, as it was made with {error.difference}")
        embed_dataset(cfg, store, samples, overwrite=True, progress=True)
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
    add_metric(cfg, type='DumpScores', out_file_path=scores_file(cfg.work_dir, part))
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
    results = RUNNERS.build(cfg).test()
    return {key: float(value) for key, value in results.items() if np.ndim(value) == 0}


def scores_file(work_dir: str, part: str) -> str:
    """Where the scores of a part are written."""
    return osp.join(work_dir, SCORES.format(part))


def calibrate_part(work_dir: str, part: str, head: VCSHead) -> Optional[Fitted]:
    """Calibrate by the scores that :func:`test_part` has written.

    Returns:
        Calibration | LabelCalibration | None: The latter of a head with a
        :class:`.SigmoidLoss`; None where clips have several labels, and the
        head has another loss.
    """
    dump = Dump(scores_file(work_dir, part), load_dump(scores_file(work_dir, part)))
    ranks = torch.stack([torch.as_tensor(s['video_score']) for s in dump.samples])
    cosines = (ranks if head.average_clips == 'score' else ranks.log()).numpy()
    labels, scale = (
        labels_of(dump, cosines.shape[1]),
        float(head.logit_scale.detach().exp()),
    )
    if head.bias is not None:
        truth = labels if labels.ndim == 2 else np.eye(cosines.shape[1])[labels]
        return calibrate_labels(cosines, truth, scale, float(head.bias.detach()))
    return calibrate(cosines, labels, scale) if labels.ndim == 1 else None


def write_model(recognizer, cfg: Config, target: str, fitted: Optional[Fitted]) -> None:
    """Write a folder from which videos are recognized: config, weights, names.

    Adapters become part of the weights, and the fitted scale becomes the logit
    scale, which leaves the order of the classes as it is; so does the bias.

    Args:
        recognizer (nn.Module): Trained.
        cfg (Config): Its config, which reads videos.
        target (str): The folder.
        fitted (Calibration | LabelCalibration, optional): None leaves the
            scale as it is.
    """
    os.makedirs(target, exist_ok=True)
    state = merged_state(recognizer)
    if fitted is not None:
        state['cls_head.logit_scale'] = torch.tensor(float(np.log(fitted.scale)))
    if isinstance(fitted, LabelCalibration):
        state['cls_head.loss_cls.bias'] = torch.tensor(fitted.bias)
    write_lines(osp.join(target, _CLASSES), recognizer.cls_head.class_names)
    save_checkpoint(dict(state_dict=state), osp.join(target, WEIGHTS))
    threshold = fitted.threshold if fitted else default_threshold(recognizer.cls_head)
    if recognizer.cls_head.bias is not None:
        threshold = max(threshold, LEAST_THRESHOLD)
    write_text(osp.join(target, 'config.py'), model_config(cfg, threshold))


def model_config(cfg: Config, threshold: float) -> str:
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
            threshold=round(threshold, 4),
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
            if key in _JUDGED
        )
        lines.append(f'{part}: {values}')
    if outcome.calibration is not None:
        lines.append(_of_calibration(outcome.calibration))
    if not outcome.metrics:
        lines.append('no clips to validate or test: nothing tells how good it is')
    folder = osp.dirname(outcome.folder)
    lines.append(f'use it: bike infer VIDEO --config {folder}')
    for line in lines:
        print_log(line, 'current')


def _of_calibration(fitted: Fitted) -> str:
    error = (
        f'confidences: off by {100 * fitted.error[1]:.0f} % on average (before '
        f'calibration {100 * fitted.error[0]:.0f} %); '
    )
    if isinstance(fitted, LabelCalibration):
        return (
            f'{error}each class has its own, and is named from {fitted.threshold:.2f} '
            f'on: then {100 * fitted.precision:.0f} % of the labels named are right, '
            f'and {100 * fitted.recall:.0f} % of the right ones are named (on the '
            'validation part)'
        )
    return (
        f'{error}below {fitted.threshold:.2f} the answer is "none of these": for '
        f'{100 * (1 - fitted.kept):.0f} % of the videos of the classes, and '
        f'{100 * fitted.refused:.0f} % of others (on the validation part); '
        '--threshold 0 names a class in any case'
    )
