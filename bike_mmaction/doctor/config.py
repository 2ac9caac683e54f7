"""What a config needs: data, weights, memory, and one step of training."""

import os
import os.path as osp
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Optional

from mmaction.registry import DATASETS
from mmengine.config import Config

from ..datasets.checking import check_all
from ..datasets.class_names import HEADS, load_class_names
from ..datasets.entries import annotated
from ..datasets.labels import check_labels
from ..datasets.pipeline_access import SPLITS, check_list, own_dataset
from ..files import source_of
from ..models.clip.pipeline_fit import misfits, wanted_images
from .findings import ERROR, OK, WARNING, Check, Finding
from .runner import runner
from .step import step
from .weights import weights


def checks(
    cfg: Config, videos: int, with_step: bool, device: Optional[str]
) -> list[tuple[str, Check]]:
    """All of them, in the order of their report.

    Args:
        cfg (Config): The config.
        videos (int): To decode of each split.
        with_step (bool): Whether to train for a step.
        device (str, optional): Of that. Defaults to None: a GPU, if any.
    """
    splits = [split for split in SPLITS if cfg.get(f'{split}_dataloader')]
    listed: list[tuple[str, Check]] = [
        ('classes', partial(_classes, cfg)),
        *((f'{split} list', partial(_split, cfg, split, videos)) for split in splits),
        ('weights', partial(weights, cfg)),
        ('images', partial(_images, cfg, splits)),
        ('runner', partial(runner, cfg)),
    ]
    if cfg.get('train_dataloader'):
        listed.append(('training', partial(step, cfg, with_step, device)))
    return listed


def _images(cfg: Config, splits: Sequence[str]) -> Iterator[Finding]:
    """Whether the pipelines give what the weights of the image tower want."""
    wanted = wanted_images(cfg.model)
    if wanted is None:
        return
    text = misfits(cfg, splits)
    if text:
        text, _, cure = text.partition('. In the config, ')
        yield Finding('images', WARNING, text, cure)
    else:
        yield Finding('images', OK, f"are those that '{wanted.pretrained}' wants")


def _classes(cfg: Config) -> Iterator[Finding]:
    for key in HEADS:
        head = cfg.model.get(key) or {}
        names, number = head.get('class_names'), head.get('num_classes')
        if names is None or number is None:
            continue
        known = len(load_class_names(names))
        subject = f'classes of {key}'
        if known == number:
            yield Finding(subject, OK, f'{number}, all with names')
        else:
            cure = f'--cfg-options model.{key}.num_classes={known}'
            text = f'num_classes={number}, but class_names has {known}'
            yield Finding(subject, ERROR, text, cure)


def number_of_classes(cfg: Config) -> Optional[int]:
    """That of the first head which says it."""
    heads = [cfg.model.get(key) or {} for key in HEADS]
    return next((h['num_classes'] for h in heads if h.get('num_classes')), None)


def _split(cfg: Config, split: str, videos: int) -> Iterator[Finding]:
    """Folder, list, labels and first videos of a split."""
    config, subject = own_dataset(cfg, split), f'{split} list'
    yield from _folders(config, split)
    check_list(cfg, split)
    dataset = DATASETS.build(dict(config, pipeline=[]))
    yield Finding(subject, OK, f"'{dataset.ann_file}' has {len(dataset)} videos")
    classes = number_of_classes(cfg)
    if classes is not None and not _is_zero_shot(config, classes):
        check_labels(dataset, classes, required=split == 'train')
        yield Finding(f'{split} labels', OK, f'all are below {classes}')
    yield from _videos(dataset, split, videos)


def _is_zero_shot(config: dict, classes: int) -> bool:
    """Whether a test is of other classes than the model's."""
    return config.get('num_classes') not in (None, classes)


def _folders(config: dict, split: str) -> Iterator[Finding]:
    root = config.get('data_root') or ''
    for key, prefix in (config.get('data_prefix') or {}).items():
        folder = osp.join(root, prefix or '')
        if '://' in folder or not folder:
            continue
        subject = f'{split} folder'
        if osp.isdir(folder) and os.access(folder, os.R_OK | os.X_OK):
            yield Finding(subject, OK, f"'{folder}'")
        else:
            why = 'cannot be read' if osp.isdir(folder) else 'does not exist'
            name = f'{split}_dataloader.dataset.data_prefix.{key}'
            cure = f'--cfg-options {name}=FOLDER, where the videos lie'
            yield Finding(subject, ERROR, f"'{folder}' {why}", cure)


def _videos(dataset: Any, split: str, count: int) -> Iterator[Finding]:
    parts = list(annotated(dataset)) or [dataset]
    numbers = range(min(count, len(parts[0])))
    infos = [parts[0].get_data_info(number) for number in numbers]
    verdicts = check_all(infos, workers=1)
    bad = [(i, v) for i, v in zip(infos, verdicts) if not v.usable or v.problem]
    command = f'bike check-videos CONFIG --split {split}, which looks at all of them'
    for info, verdict in bad:
        state = WARNING if verdict.usable else ERROR
        text = f"'{source_of(info)}': {verdict.problem}: {verdict.reason}"
        yield Finding(f'{split} videos', state, text, command)
    if not bad:
        text = f'the first {len(infos)} of {len(parts[0])} can be read'
        yield Finding(f'{split} videos', OK, text)
