"""Frame embeddings of a config's own data sets, for training without decoding."""

import os.path as osp
import warnings
from collections.abc import Sequence
from typing import Any, Optional

from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.config import Config
from mmengine.runner import load_checkpoint

from ..errors import UntrainedError
from ..evaluation.lock import Lock
from ..models.clip.image_encoder import CLIPImageEncoder
from ..models.clip.pipeline_fit import misfits
from ..models.finite import check_weights
from ..models.frame_encoder import FrameEncoder
from ..recipes.embeddings import check_cacheable, splits_of
from ..video import TIME_LIMIT
from .building import choose_device, quiet_logger, read_config
from .embedding_jobs import Job


# long: for its arguments
def embed_dataset(
    config: Any,
    out: str,
    samples: int = 1,
    splits: Optional[Sequence[str]] = None,
    seed: Optional[int] = None,
    device: Optional[str] = None,
    workers: Optional[int] = None,
    batch_size: Optional[int] = None,
    time_limit: Optional[float] = TIME_LIMIT,
    overwrite: bool = False,
    retry: bool = False,
    progress: bool = False,
) -> dict[str, dict]:
    """Keep frame embeddings of the data sets of a config, by its own pipelines.

    :func:`bike_mmaction.recipes.use_cached_embeddings` lets the same config
    read them. Of each training video there are several samples: number s has
    the frames, crops and flips that a training draws in its epoch s, with the
    same seed. So S samples of S epochs train as if all were decoded and
    encoded each time; with fewer, epoch e sees sample e mod S. Videos of
    validation and test have one.

    They are made by the weights that training begins with (``load_from``, or
    else ``pretrained``), in float32. A call that was stopped goes on where it
    was. What cannot be read is noted, and replaced in training as if it had
    been decoded.

    Args:
        config (str | Config): Whose backbone is a :class:`.CLIPImageEncoder`.
        out (str): The folder; a store 'train', 'val' and 'test' is made in it.
        samples (int): S, of each training video. Defaults to 1.
        splits (Sequence[str], optional): Defaults to None: all of the config.
        seed (int, optional): That the training will have. Defaults to None:
            ``randomness.seed`` of the config, or else 0.
        device (str, optional): Defaults to None: a GPU if there is one.
        workers (int, optional): Of each data loader. Defaults to None: as the
            config says.
        batch_size (int, optional): Videos at once. Defaults to None: as the
            config says.
        time_limit (float, optional): Seconds to read a video in, see
            :class:`.ReportUnreadable`. Defaults to 60.
        overwrite (bool): Whether to begin anew. Defaults to False.
        retry (bool): Whether to try again what could not be read. Defaults to
            False.
        progress (bool): Whether to show how far it is. Defaults to False.

    Returns:
        dict[str, dict]: By split: numbers of ``videos`` and of ``samples``,
        and ``unreadable``, the reason by video.

    Raises:
        BlockingIOError: if another process makes the same.
        ValueError: if the config needs images in training, or what is there
            was made with other settings; names the option.
    """
    if samples < 1:
        raise ValueError(f'samples={samples} must be positive')
    register_all_modules()
    cfg = read_config(config)
    check_cacheable(cfg)
    if seed is None:
        seed = int((cfg.get('randomness') or {}).get('seed') or 0)
    encoder = read_encoder(cfg, choose_device(device))
    text = misfits(cfg, splits or splits_of(cfg))
    if text:
        warnings.warn(text)
    counts = {}
    for split in splits or splits_of(cfg):
        loader = dict(cfg[f'{split}_dataloader'])
        if workers is not None:
            loader['num_workers'] = workers
        if batch_size is not None:
            loader['batch_size'] = batch_size
        job = Job(cfg, split, loader, encoder, samples if split == 'train' else 1)
        folder = osp.join(out, split)
        lock = Lock(osp.join(folder, 'lock'))
        lock.acquire()
        try:
            counts[split] = job.do(folder, seed, time_limit, overwrite, retry, progress)
        finally:
            lock.release()
    return counts


def read_encoder(cfg: Config, device: str) -> FrameEncoder:
    """The tower with the weights that a training of the config begins with.

    Raises:
        UntrainedError: if these would be random.
    """
    model = MODELS.build(cfg.model)
    encoder = FrameEncoder(model)
    tower, begin = encoder.backbone, cfg.get('load_from')
    if not begin and not tower.pretrained:
        raise UntrainedError(
            'no weights are known of model.backbone, which would be random: name '
            'model.backbone.pretrained, or a checkpoint in load_from'
        )
    with quiet_logger():
        if tower.pretrained:
            CLIPImageEncoder.init_weights(tower)
        if begin:
            load_checkpoint(model, begin, map_location='cpu')
    check_weights(tower, 'not finite in the image tower')
    model.to(device)
    return encoder
