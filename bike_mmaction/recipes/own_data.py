"""Clips of one's own: the lists of a data folder, which `bike data` writes."""

import os.path as osp

from mmengine.config import ConfigDict

from ..datasets.class_names import load_class_names
from ..datasets.layouts import PARTS
from ..datasets.pipeline_access import own_dataset
from .datasets import use_segments

CLASSES = 'classes.txt'
LOADERS = dict(
    val=('val_dataloader', 'val_cfg', 'val_evaluator'),
    test=('test_dataloader', 'test_cfg', 'test_evaluator'),
)


# Longer than others for its arguments.
def use_own_data(
    cfg,
    folder: str,
    videos: str = '',
    segments: bool = False,
    multi_label: bool = False,
    delimiter: str = ' ',
) -> None:
    """Train and test on the lists of a folder.

    These are ``train.txt``, ``val.txt`` and ``test.txt``; where one of the
    last two does not exist, the config neither validates, or tests, nor
    fails. The names of the classes are in ``classes.txt``.

    Args:
        cfg (Config | ConfigDict): The config to change, one of video files.
        folder (str): Of the lists.
        videos (str): Folder that their paths begin in. Defaults to '': where
            the process is.
        segments (bool): Whether lines are ``path start end label``, with
            seconds. Defaults to False: ``path label``.
        multi_label (bool): Whether a line may have several labels, or none.
            A model of the video branch alone, with a :class:`.VCSHead`, then
            tells of each class by itself, see :class:`.SigmoidLoss`. Defaults
            to False.
        delimiter (str): What parts the fields of a line. Defaults to ' '; a
            tab where paths have spaces.

    Raises:
        FileNotFoundError: if there is no list to train on.
        ValueError: if the names of the classes cannot be read, or the config
            reads extracted frames.
    """
    path = osp.join(folder, CLASSES)
    names = load_class_names(path)
    for key in ('cls_head', 'attributes_head'):
        head = cfg.model.get(key)
        if head:
            head.update(num_classes=len(names))
            if 'class_names' in head:
                head['class_names'] = path
    for part in PARTS:
        ann_file = osp.join(folder, f'{part}.txt')
        if not osp.exists(ann_file):
            if part == 'train':
                raise FileNotFoundError(
                    f"'{ann_file}' does not exist; `bike data` writes it"
                )
            for key in LOADERS[part]:
                cfg[key] = None
            continue
        _use_list(cfg, part, ann_file, videos, segments)
        dataset = own_dataset(cfg, part)
        if multi_label:
            dataset.update(multi_class=True, num_classes=len(names))
        if delimiter != ' ':
            dataset['delimiter'] = delimiter
    if multi_label:
        _judge_each_class(cfg.model)
    metrics = ['MeanAPMetric'] if multi_label else ['AccMetric']
    for part, (_, _, evaluator) in LOADERS.items():
        if cfg.get(f'{part}_dataloader'):
            cfg[evaluator] = [ConfigDict(type=metric) for metric in metrics]


def _judge_each_class(model: dict) -> None:
    """By itself, where the head can and no attributes compete with it."""
    head = model.get('cls_head') or {}
    if head.get('type') == 'VCSHead' and not model.get('attributes_head'):
        head['loss_cls'] = ConfigDict(type='SigmoidLoss')


def _use_list(cfg, part: str, ann_file: str, videos: str, segments: bool) -> None:
    dataset = own_dataset(cfg, part)
    if 'video' not in dataset['data_prefix']:
        raise ValueError(
            f'{part}_dataloader has a {dataset["type"]}, which reads no video files: '
            'begin with a config of video files'
        )
    dataset['ann_file'] = ann_file
    dataset['data_prefix'] = ConfigDict(video=videos)
    use_segments(dataset, segments)
    for key in ('multi_class', 'num_classes', 'delimiter'):  # of the one before
        dataset.pop(key, None)
