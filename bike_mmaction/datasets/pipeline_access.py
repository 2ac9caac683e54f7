"""Find data sets, pipelines and transforms in a config."""

import copy
import os.path as osp
from collections.abc import Iterator, Sequence

SPLITS = ('train', 'val', 'test')
# Transforms that open a video and decode its frames: this project's and MMAction2's.
VIDEO_INITS = ('VideoInit', 'DecordInit', 'PyAVInit', 'OpenCVInit', 'PIMSInit')
VIDEO_DECODES = (
    'VideoDecode',
    'DecordDecode',
    'PyAVDecode',
    'OpenCVDecode',
    'PIMSDecode',
)


def own_dataset(cfg, split: str) -> dict:
    """The data set of a split, inside of those that only repeat or draw.

    Raises:
        ValueError: if the config has none with a pipeline.
    """
    name = f'{split}_dataloader'
    dataset = unwrapped(cfg.get(name) or {})
    if 'pipeline' not in dataset:
        raise ValueError(f"the config has no '{name}.dataset.pipeline'")
    return dataset


def unwrapped(config: dict) -> dict:
    """The innermost ``dataset`` of a loader or of a wrapper; {} if none."""
    dataset = config.get('dataset') or {}
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset


def check_list(cfg, split: str) -> None:
    """Refuse a split whose list of videos does not exist.

    Before a model is built; data sets without a list are left alone.

    Raises:
        FileNotFoundError: naming the key, and what to do.
    """
    key, dataset = f'{split}_dataloader', cfg.get(f'{split}_dataloader') or {}
    while 'dataset' in dataset:
        key, dataset = f'{key}.dataset', dataset['dataset'] or {}
    path = dataset.get('ann_file')
    if not path or not isinstance(path, str):
        return
    place = osp.join(dataset.get('data_root') or '', path)
    if '://' not in place and not osp.exists(place):
        raise FileNotFoundError(
            f"{key}.ann_file: there is no list '{path}'; `bike prepare` writes those "
            'of known data sets, or name your own: '
            f'--cfg-options {key}.ann_file=LIST'
        )


def pipelines_of(cfg, split: str) -> list[list]:
    """The loader's pipeline, and the variable that MMAction2's APIs read.

    The config of a shared model has the variable alone.
    """
    variable = cfg.get(f'{split}_pipeline')
    if variable is not None and cfg.get(f'{split}_dataloader') is None:
        return [variable]
    own = own_dataset(cfg, split)['pipeline']
    return [own] if variable is None else [own, variable]


def all_pipelines(cfg) -> Iterator[tuple]:
    """Split and pipeline, of all splits that the config has."""
    for split in SPLITS:
        if cfg.get(f'{split}_dataloader') is not None:
            for pipeline in pipelines_of(cfg, split):
                yield split, pipeline


def part_pipelines(cfg, split: str) -> None:
    """Part pipelines that several splits share."""
    if cfg.get(f'{split}_dataloader') is not None:
        dataset = own_dataset(cfg, split)
        dataset['pipeline'] = copy.deepcopy(dataset['pipeline'])
    if cfg.get(f'{split}_pipeline') is not None:
        cfg[f'{split}_pipeline'] = copy.deepcopy(cfg[f'{split}_pipeline'])


def find_transforms(pipeline: list[dict], *types: str) -> list[dict]:
    """The transforms of some types, in their order.

    Raises:
        ValueError: if there is none.
    """
    transforms = [t for t in pipeline if t['type'] in types]
    if not transforms:
        raise ValueError(
            f'the pipeline has no {" or ".join(types)}, only '
            f'{", ".join(str(t["type"]) for t in pipeline)}'
        )
    return transforms


def video_pipeline(cfg) -> Sequence[dict]:
    """The pipeline of a test on video files.

    Also where the config tests extracted frames, see :func:`use_rawframes`.

    Args:
        cfg (Config | ConfigDict): With ``test_pipeline``, or a
            ``test_dataloader``.
    """
    return cfg.get('test_pipeline') or own_dataset(cfg, 'test')['pipeline']
