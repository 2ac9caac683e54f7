"""Read videos from tar files in place of files of their own."""

import os.path as osp
from collections.abc import Sequence
from typing import Optional

from mmengine.config import ConfigDict

from ..datasets.pipeline_access import SPLITS, own_dataset
from .embeddings import splits_of


def use_shards(
    cfg,
    folder: str,
    splits: Optional[Sequence[str]] = None,
    shards_at_once: Optional[int] = None,
) -> None:
    """Let data sets read their videos from a folder of tar files.

    It is written by ``bike pack-videos``, or by webdataset and ``bike
    index-shards``. The lists stay as they are.

    Args:
        cfg (Config | ConfigDict): The config to change, one of video files.
        folder (str): With the tar files and their index.
        splits (Sequence[str], optional): Whose videos they are. Defaults to
            None: of all splits that the config has.
        shards_at_once (int, optional): Tar files that training draws from at a
            time, see :class:`.ShardSampler`. Defaults to None: all of them.

    Raises:
        ValueError: if there is no such split, or the config reads extracted
            frames.
    """
    for split in splits_of(cfg) if splits is None else splits:
        if split not in SPLITS:
            raise ValueError(f'splits: {split!r} is none of {", ".join(SPLITS)}')
        dataset = own_dataset(cfg, split)
        if 'video' not in (dataset.get('data_prefix') or {}):
            raise ValueError(
                f'{split}_dataloader has a {dataset["type"]}, which reads no video '
                'files: begin with a config of video files'
            )
        root = dataset.get('data_root')
        place = osp.relpath(folder, root) if root and not osp.isabs(folder) else folder
        dataset['data_prefix'] = ConfigDict(video=place)
        if split == 'train' and shards_at_once is not None:
            cfg['train_dataloader']['sampler'] = ConfigDict(
                type='ShardSampler', shuffle=True, shards_at_once=shards_at_once
            )
