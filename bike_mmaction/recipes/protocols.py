"""Few-shot training and zero-shot tests."""

from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.catalog import find_dataset
from ..evaluation.zero_shot_metric import EVALUATORS
from .datasets import use_lists


def few_shot(cfg, shots: int, seed: int = 0) -> None:
    """Train on a few videos of each class (Table 4).

    As the authors did, training begins with CLIP's own weights and has
    nothing beside them: ``load_from`` and the neck, the temporal transformer,
    are taken out. What is drawn is written to ``few_shot_list.txt`` in the
    run's folder.

    Args:
        cfg (Config | ConfigDict): The config to change.
        shots (int): K, videos per class.
        seed (int): Of the draw; ``train_dataloader.dataset.seed`` of the
            config. Defaults to 0.
    """
    cfg.model['neck'] = None
    cfg.load_from = None
    loader = cfg.train_dataloader
    dataset = loader['dataset']
    if dataset['type'] == 'FewShotDataset':  # other shots than before
        dataset = dataset['dataset']
    loader['dataset'] = ConfigDict(
        type='FewShotDataset',
        dataset=dataset,
        shots=shots,
        seed=seed,
        num_classes=cfg.model['cls_head']['num_classes'],
    )
    writing = ConfigDict(type='WriteFewShotList')
    hooks = cfg.get('custom_hooks') or []
    cfg.custom_hooks = hooks if writing in hooks else [*hooks, writing]


def zero_shot(
    cfg, name: str, split: Optional[int] = None, evaluator: str = 'video'
) -> None:
    """Only test, on a data set that the model was not trained on (Table 5).

    Args:
        cfg (Config | ConfigDict): The config to change.
        name (str): As in :func:`use_dataset`.
        split (int, optional): As in :func:`use_dataset`. Without it, all
            videos of UCF-101, HMDB-51 and ActivityNet are tested, as
            published; with it, the test part of the split.
        evaluator (str): What votes for the class of a video: its 'frames',
            as the authors measured on UCF-101, HMDB-51 and ActivityNet (the
            temporal transformer is left out), or the whole 'video' branch.
            Defaults to 'video'.

    Raises:
        ValueError: as :func:`use_dataset`, or for an unknown evaluator.
    """
    if evaluator not in EVALUATORS:
        raise ValueError(f'evaluator={evaluator!r}; choose from {tuple(EVALUATORS)}')
    info = find_dataset(name)
    whole = split is None and 'full' in info.parts
    use_lists(cfg, info, split, dict(test='full' if whole else info.tested))
    if evaluator == 'frames':
        cfg.model['neck'] = None
        cfg.model['optional'] = ['neck.']
    cfg.model['cls_head']['keep_scores'] = True
    cfg.test_evaluator = [ConfigDict(type='ZeroShotMetric', evaluator=evaluator)]
    for key in (
        'train_dataloader',
        'train_cfg',
        'optim_wrapper',
        'param_scheduler',
        'val_dataloader',
        'val_cfg',
        'val_evaluator',
    ):
        cfg[key] = None
