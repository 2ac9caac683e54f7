"""Give the config of a video branch an attributes branch."""

from collections.abc import Sequence
from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import find_transforms, part_pipelines, pipelines_of
from ..models.association import ATTRIBUTES_CLIP


def add_attributes_branch(
    cfg,
    ann_file: str,
    topk: int = 5,
    train: bool = True,
    clip: Optional[dict] = ATTRIBUTES_CLIP,
    **head,
) -> None:
    """Add the attributes branch (section 2.2) to a config with a video branch.

    A test then reports the video branch as ``video/*``, the attributes
    branch as ``attributes/*`` and both together as ``acc/*``.

    Args:
        cfg (Config | ConfigDict): The config to change.
        ann_file (str): Attribute files, with ``{split}`` for 'train' or
            'val'; tests use those of 'val'.
        topk (int): Attributes per video. Defaults to 5.
        train (bool): Whether it is trained (the paper's second stage: the
            video branch is frozen, and neither training nor validation decodes
            video), or plugged in without training. Defaults to True.
        clip (dict, optional): ``arch`` and ``pretrained`` of the CLIP that
            generates the files, or finds attributes by a lexicon. Defaults to
            the authors' ViT-L/14; None: that of the video branch.
        **head: Arguments of :class:`.AttributesTextHead`.
    """
    use_attributes(cfg, _files_of(ann_file, train), topk)
    cfg.model['attributes_head'] = dict(
        type='AttributesTextHead',
        **{key: cfg.model['cls_head'][key] for key in ('num_classes', 'class_names')},
        loss_cls=dict(type='ContrastiveLoss'),
        **(head if train else dict(mlp=False, **head)),
    )
    if clip is not None:
        cfg.model['association'] = dict(clip)
    _report_branches(cfg, train)
    if train:
        _train_attributes_only(cfg)


def _files_of(ann_file: str, train: bool) -> dict[str, str]:
    """Attribute file by split; without training, that needs none."""
    parts = {'train': 'train', 'val': 'val', 'test': 'val'}
    return {
        split: ann_file.replace('{split}', part)
        for split, part in parts.items()
        if train or split != 'train'
    }


def _report_branches(cfg, train: bool) -> None:
    """V, A and V+A in a test; where A is trained, A alone in a validation."""
    video, attributes = (
        dict(type='BranchMetric', branch=branch) for branch in ('video', 'attributes')
    )
    cfg.test_evaluator = [dict(type='AccMetric'), video, attributes]
    cfg.val_evaluator = attributes if train else cfg.test_evaluator


def _train_attributes_only(cfg) -> None:
    """Freeze the video branch, and decode no video for it."""
    cfg.model['train_branches'] = ['attributes']
    cfg.model['data_preprocessor']['type'] = 'OptionalVideoDataPreprocessor'
    leave_out_video(cfg, ['train', 'val'])


def use_attributes(cfg, ann_files: dict[str, str], topk: int = 5) -> None:
    """Load the attributes of every video, beside its frames.

    Args:
        cfg (Config | ConfigDict): The config to change.
        ann_files (dict[str, str]): Attribute file by split: 'train', 'val',
            'test'. Splits that are left out stay as they are.
        topk (int): Attributes per video. Defaults to 5.
    """
    for split, ann_file in ann_files.items():
        part_pipelines(cfg, split)
        for pipeline in pipelines_of(cfg, split):
            pipeline.insert(
                0, ConfigDict(type='LoadAttributes', ann_file=ann_file, topk=topk)
            )
            for packing in find_transforms(pipeline, 'PackActionInputs'):
                packing['algorithm_keys'] = ('attributes',)


def leave_out_video(cfg, splits: Sequence[str]) -> None:
    """Load attributes only: for the attributes branch alone.

    Args:
        cfg (Config | ConfigDict): The config to change.
        splits (Sequence[str]): Of 'train', 'val', 'test'.
    """
    for split in splits:
        part_pipelines(cfg, split)
        for pipeline in pipelines_of(cfg, split):
            kept = find_transforms(pipeline, 'LoadAttributes', 'PackActionInputs')
            kept[-1]['collect_keys'] = ()
            pipeline[:] = kept
