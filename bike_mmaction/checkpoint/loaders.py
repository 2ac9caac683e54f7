"""Loading checkpoints by file name or address, as MMEngine's runner does."""

import os
import os.path as osp
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier

from ..compat import remedy
from ..files import file_sha256, require_file, sha256
from .released import is_released
from .saving import check_digest
from .shards import INDEX, shards_of
from .unpickling import is_torchscript, read_pickle


@remedy('mmengine', '<0.11', 'with torch >= 2.6 it cannot load what it saves')
def load_own_checkpoints() -> None:
    """It calls ``torch.load(path)``, whose default is ``weights_only=True``.

    Its files hold ``HistoryBuffer`` objects, which these loaders allow. They
    also read ``.safetensors``, and name what a file is when it is not for
    this project: hence for every version that this project supports.
    """
    from mmengine.runner.checkpoint import CheckpointLoader

    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=('http://', 'https://'), loader=load_from_http, force=True
    )


def load_from_local(filename: str, map_location=None) -> dict:
    """Read a checkpoint file for MMEngine's ``CheckpointLoader``.

    Args:
        filename (str): A ``.pth`` file, or ``.safetensors``, or the index of
            several of these, ``.safetensors.index.json``.
        map_location: As in ``torch.load``.

    Returns:
        dict: The checkpoint.

    Raises:
        FileNotFoundError: if there is no such file.
        RuntimeError: if it is not a checkpoint, holds types other than
            MMEngine's own, is an unconverted released or CLIP file, or
            fails :func:`.check_digest`.
    """
    path = osp.expanduser(filename)
    require_file(path, 'checkpoint')
    if path.endswith(INDEX):
        return dict(state_dict=_read_shards(path))
    check_digest(path)
    if path.endswith('.safetensors'):
        return dict(state_dict=read_safetensors(path))
    if is_torchscript(path):
        raise RuntimeError(
            f"checkpoint '{filename}' is a TorchScript archive, such as "
            "OpenAI's CLIP weights: name it in `pretrained=` of the encoders "
            'instead of `load_from` or a test checkpoint'
        )
    checkpoint = as_mmengine(read_pickle(path, map_location))
    if is_released(checkpoint):
        raise RuntimeError(
            f"checkpoint '{filename}' has the layout of the authors' released "
            'files. Convert it first: bike convert-checkpoint '
            f'{filename} CONVERTED.pth'
        )
    return checkpoint


def as_mmengine(checkpoint: Any) -> Any:
    """Weights under MMEngine's name, also of a file of DeepSpeed.

    Args:
        checkpoint (Any): As it was read, such as ``mp_rank_00_model_states.pt`` in
            the folder of a checkpoint (ZeRO 1 or 2).
    """
    if isinstance(checkpoint, dict) and {'ds_version', 'module'} <= checkpoint.keys():
        return dict(state_dict=checkpoint['module'], meta=checkpoint.get('meta', {}))
    return checkpoint


def _read_shards(path: str) -> dict:
    try:
        shards = shards_of(path)
    except ValueError as error:
        raise RuntimeError(f"cannot read checkpoint '{path}': {error}") from error
    tensors: dict = {}
    for shard in shards:
        require_file(shard, f"a part of checkpoint '{path}',")
        check_digest(shard)
        tensors.update(read_safetensors(shard))
    return tensors


def read_safetensors(path: str) -> dict:
    """The tensors of a ``.safetensors`` file, by name, on the CPU.

    Raises:
        RuntimeError: if it is cut off, damaged, or of another kind; names it.
    """
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except OSError:
        raise
    except Exception as error:  # the package has a class of its own
        raise RuntimeError(
            f"'{path}': it is damaged, or no safetensors ({error})"
        ) from error


def load_from_http(url: str, map_location=None) -> dict:
    """Download a checkpoint once, then read it like a local one.

    Args:
        url (str): Where; the file is kept in ``torch.hub``'s folder.
        map_location: As in ``torch.load``.

    Returns:
        dict: The checkpoint.

    Raises:
        RuntimeError: if it cannot be downloaded, or as
            :func:`load_from_local`.
    """
    folder = osp.join(torch.hub.get_dir(), 'checkpoints')
    name = osp.basename(urlparse(url).path)
    # Other addresses may have files of the same name.
    path = osp.join(folder, f'{sha256(url)[:8]}-{name}')
    with first_of_machine():
        if has_digest_of_name(osp.join(folder, name)):
            path = osp.join(folder, name)  # torch.hub has downloaded it before
        elif not osp.isfile(path):
            os.makedirs(folder, exist_ok=True)
            try:
                torch.hub.download_url_to_file(url, path)
            except Exception as error:
                raise RuntimeError(
                    f"cannot download checkpoint '{url}': {error}"
                ) from error
    return load_from_local(path, map_location)


def has_digest_of_name(path: str) -> bool:
    """Whether a file is the one that its name promises.

    Published checkpoints are called by the beginning of their SHA-256, such
    as ``resnet50-0676ba61.pth``.

    Args:
        path (str): Of a file that need not exist.
    """
    promised = re.search(r'[-_]([0-9a-f]{8,64})\.\w+$', osp.basename(path))
    if not promised or not osp.isfile(path):
        return False
    return file_sha256(path).startswith(promised[1])


@contextmanager
def first_of_machine() -> Iterator[None]:
    """Let one process of each machine go first, the others after it."""
    first = int(os.environ.get('LOCAL_RANK', 0)) == 0
    if not first:
        barrier()
    try:
        yield
    finally:
        if first:
            barrier()
