"""What a training or a test reads from disk, and how to get what is absent."""

import os.path as osp
import re
from collections.abc import Iterator, Sequence
from os.path import dirname
from typing import NamedTuple

from mmengine.config import Config

from ..datasets.catalog import CATALOG
from ..datasets.class_names import BUILT_IN, HEADS
from ..datasets.pipeline_access import own_dataset
from .settings import Settings, encoders

# Attribute files are made with ViT-L/14, whatever is trained on them.
ATTRIBUTES_CONFIG = 'configs/bike_vitl14_k400.py'


class Need(NamedTuple):
    """Something that is absent.

    Attributes:
        what (str): With its path.
        how (str): The command that makes it, or what to do.
    """

    what: str
    how: str


def missing_data(
    cfg: Config, parts: Sequence[str], settings: Settings, prepared_by: str = ''
) -> list[Need]:
    """Lists, folders, attribute files and class names that are not there.

    Args:
        cfg (Config): Of the training or test.
        parts (Sequence[str]): Of 'train', 'val', 'test': what is read.
        settings (Settings): Of the user.
        prepared_by (str): The command that makes all of them, where it is one.
    """
    needs = []
    for part in parts:
        if not cfg.get(f'{part}_dataloader'):
            continue
        for path, need in _read_by(cfg, part, settings):
            if not osp.exists(path):
                needs.append(need)
    for key in HEADS:
        path = (cfg.model.get(key) or {}).get('class_names')
        if isinstance(path, str) and path not in BUILT_IN and not osp.isfile(path):
            needs.append(Need(f"class names '{path}'", _prepare(cfg, 'test', settings)))
    if prepared_by:
        needs = [need._replace(how=prepared_by) for need in needs]
    return list(dict.fromkeys(needs))


def missing_weights(cfg: Config, prepared_by: str = '') -> list[Need]:
    """Files of CLIP's own weights that are not there.

    A tag such as 'openai' is no file: open_clip downloads its weights.
    """
    paths = {part['pretrained'] for part in encoders(cfg)}
    return [
        Need(
            f"CLIP's weights '{path}'",
            prepared_by or 'correct `pretrained` in --cfg-options',
        )
        for path in sorted(filter(None, paths))
        if re.search(r'[/.]', path) and not osp.isfile(path)
    ]


def _read_by(cfg: Config, part: str, settings: Settings) -> Iterator[tuple]:
    """Paths and what they are, in the order in which they can be made."""
    dataset = own_dataset(cfg, part)
    transforms = {t['type']: t for t in dataset['pipeline']}
    if any('Decode' in name for name in transforms):
        for folder in dataset['data_prefix'].values():
            kind = 'frames' if settings.rawframes else 'videos'
            yield (
                folder,
                Need(
                    f"folder of {kind} '{folder}'",
                    f"put or link them into '{dirname(folder)}'",
                ),
            )
    path = dataset['ann_file']
    yield path, Need(f"list '{path}'", _prepare(cfg, part, settings))
    if 'LoadAttributes' in transforms:
        path = transforms['LoadAttributes']['ann_file']
        yield (
            path,
            Need(f"attribute file '{path}'", _generate(cfg, part, path, settings)),
        )


def _prepare(cfg: Config, part: str, settings: Settings) -> str:
    """The command that writes the lists of a data set."""
    path = own_dataset(cfg, part)['ann_file']
    names = [name for name in CATALOG if osp.basename(path).startswith(name)]
    if not names:
        return f'write {osp.basename(path)}'
    # kinetics600_zeroshot also begins with kinetics600
    options = [max(names, key=len), '--annotations ANNOTATIONS']
    if settings.data_root:
        options.append(f'--data-root {dirname(path)}')
    if settings.rawframes:
        options.append('--rawframes')
    return f'bike prepare {" ".join(options)}'


def _generate(cfg: Config, part: str, path: str, settings: Settings) -> str:
    """The command that finds the attributes of a data set."""
    named = re.fullmatch(r'attributes_(\w+)_(train|val)\.json', osp.basename(path))
    lexicon, split = named.groups() if named else ('LEXICON', part)
    options = [
        ATTRIBUTES_CONFIG,
        f'--lexicon {lexicon} --topk 7 --split {split}',
        f'--out {path}',
    ]
    if settings.data_root:
        dataset = own_dataset(cfg, part)
        options.append(
            f'--cfg-options {split}_dataloader.dataset.ann_file={dataset["ann_file"]}'
        )
        options += [
            f'{split}_dataloader.dataset.data_prefix.{kind}={folder}'
            for kind, folder in dataset['data_prefix'].items()
        ]
    return f'bike generate-attributes {" ".join(options)}'
