"""Train on kept frame embeddings in place of videos that are decoded."""

import os.path as osp
from collections.abc import Sequence
from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import SPLITS, find_transforms, own_dataset

_PREPROCESSORS = ('ActionDataPreprocessor', 'OptionalVideoDataPreprocessor')


def use_cached_embeddings(
    cfg, store: str, splits: Optional[Sequence[str]] = None
) -> None:
    """Let the data loaders read the frame embeddings of a frozen image tower.

    They were made by :func:`bike_mmaction.apis.embed_dataset`. Of each
    pipeline, what opens, samples, decodes and augments a video is left out.
    ``test_pipeline``, by which other videos are recognized, stays. Call it
    after all that changes pipelines.

    Args:
        cfg (Config | ConfigDict): The config to change.
        store (str): The folder with the stores 'train', 'val' and 'test'.
        splits (Sequence[str], optional): Which of them to read. Defaults to
            None: those that the config has.

    Raises:
        ValueError: if the image tower trains, or something else needs images;
            names the option.
    """
    check_cacheable(cfg)
    if not cfg.model['backbone'].get('frozen'):
        raise ValueError(
            'embeddings are kept of a frozen image tower: set '
            'model.backbone.frozen=True'
        )
    for split in splits or splits_of(cfg):
        dataset = own_dataset(cfg, split)
        if split == 'test' and cfg.get('test_pipeline') is None:
            cfg['test_pipeline'] = dataset['pipeline']
        loading = ConfigDict(
            type='LoadFrameEmbeddings',
            store=osp.join(store, split),
            root=root_of(dataset),
        )
        dataset['pipeline'] = [loading, *_rest(dataset['pipeline'])]
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)  # nothing takes long
        loader.pop('prefetch_factor', None)
    cfg.model['data_preprocessor']['type'] = _PREPROCESSORS[1]
    hooks = dict(cfg.get('default_hooks') or {})
    cfg['default_hooks'] = dict(hooks, check_embeddings=dict(type='CheckEmbeddings'))


def splits_of(cfg) -> list[str]:
    """The splits that a config has a loader for."""
    return [split for split in SPLITS if cfg.get(f'{split}_dataloader')]


def root_of(dataset: dict) -> str:
    """The folder of the videos of a data set, as MMAction2 joins it."""
    prefix = next(iter((dataset.get('data_prefix') or {}).values()), '')
    return osp.join(dataset.get('data_root') or '', prefix or '')


def check_cacheable(cfg) -> None:
    """Refuse a config whose videos must be decoded each time.

    Raises:
        ValueError: naming the option.
    """
    model = cfg.model
    backbone = (model.get('backbone') or {}).get('type')
    if backbone != 'CLIPImageEncoder':
        raise ValueError(
            'frame embeddings are kept of an image tower of CLIP: model.backbone '
            f'must be a CLIPImageEncoder, got {backbone!r}'
        )
    preprocessor = model.get('data_preprocessor') or {}
    if preprocessor.get('type') not in _PREPROCESSORS:
        raise ValueError(
            'frame embeddings need model.data_preprocessor.type='
            f'{_PREPROCESSORS[0]}, got {preprocessor.get("type")!r}'
        )
    if preprocessor.get('blending'):
        raise ValueError(
            'model.data_preprocessor.blending mixes images, before the tower that '
            'frame embeddings are kept of: train without it, or decode the videos'
        )
    if (model.get('association') or {}).get('lexicon') is not None:
        raise ValueError(
            'model.association.lexicon associates attributes with images, but '
            'frame embeddings have none: take attributes from a file'
        )
    for split in splits_of(cfg):
        dataset = own_dataset(cfg, split)
        names = [step['type'] for step in dataset['pipeline']]
        if 'RepeatSample' in names or dataset.get('num_repeats', 1) > 1:
            raise ValueError(
                f'{split}_dataloader repeats the samples of a video in a batch: '
                'keep several samples of each video instead'
            )
        _rest(dataset['pipeline'])


def _rest(pipeline: list[dict]) -> list[dict]:
    """The transforms of a pipeline that need no images."""
    formatting = find_transforms(pipeline, 'FormatShape')[-1]
    first = pipeline.index(formatting) + 1
    before = [step for step in pipeline[:first] if step['type'] == 'LoadAttributes']
    return [*before, *pipeline[first:]]
