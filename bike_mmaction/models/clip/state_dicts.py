"""Reading weights of any kind of file, without running code from it."""

import os.path as osp
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...checkpoint import is_released, is_torchscript, read_pickle, read_safetensors
from ...checkpoint.shards import INDEX, read_index
from ...errors import TextError

_DERIVED = ('input_resolution', 'context_length', 'vocab_size')  # by the model
_BIG_VISION = 'img/embedding/kernel'
_HUGGING_FACE = ('vision_model.', 'text_model.')


def read_state_dict(path: str) -> dict[str, Tensor]:
    """The tensors of a file of weights, by name, on the CPU.

    Args:
        path (str): ``.safetensors``, or the index of several
            (``.safetensors.index.json``); OpenAI's TorchScript; or what
            ``torch.save`` writes: a state dict, maybe as ``state_dict``.

    Raises:
        RuntimeError: if it is empty, cut off, damaged, or holds something
            else; names the file, and what was expected.
    """
    if not osp.getsize(path):
        raise RuntimeError(f"'{path}' is empty (0 bytes): copy it again")
    if path.endswith(INDEX):
        content: Any = _read_shards(path)
    elif path.endswith('.safetensors'):
        content = read_safetensors(path)
    elif is_torchscript(path):
        content = _read_torchscript(path)
    else:
        content = read_pickle(path, 'cpu', weights_only=True)
        _refuse_checkpoints(content, path)
    if isinstance(content, dict) and isinstance(content.get('state_dict'), dict):
        content = content['state_dict']
    _check_tensors(content, path)
    if next(iter(content)).startswith('module.'):
        content = {key[len('module.') :]: value for key, value in content.items()}
    return dict(content)


def _refuse_checkpoints(content: Any, path: str) -> None:
    """Say of this project's other files where they belong."""
    if not isinstance(content, dict):
        return
    if is_released(content):
        raise RuntimeError(
            f"'{path}' is one of the authors' released BIKE files. Run "
            f'bike convert-checkpoint {path} '
            'CONVERTED.pth and use `load_from=CONVERTED.pth`'
        )
    if 'meta' in content and 'state_dict' in content:
        raise RuntimeError(
            f"'{path}' is a checkpoint of MMEngine, not the weights of a CLIP. "
            'Name it as the checkpoint (`--checkpoint`), or in `load_from`'
        )


def _check_tensors(content: Any, path: str) -> None:
    expected = 'expected the weights of a CLIP, tensors by their names in open_clip'
    if not isinstance(content, dict):
        raise RuntimeError(f"'{path}' holds a {type(content).__name__}: {expected}")
    other = next((k for k, v in content.items() if not isinstance(v, Tensor)), None)
    if not content or other is not None:
        what = f'{other!r}, which is no tensor' if content else 'no tensor'
        raise RuntimeError(f"'{path}' holds {what}: {expected}")
    if any(str(key).startswith(_HUGGING_FACE) for key in content):
        raise RuntimeError(
            f"'{path}' has the layout of transformers' CLIPModel: {expected}; take the "
            "repository's files for open_clip, or those of a repository that has such"
        )


def tensors_by_file(index: str) -> dict[str, list[str]]:
    """The names of the tensors in each file that an index lists.

    Args:
        index (str): A ``.safetensors.index.json``.

    Raises:
        RuntimeError: if it lists none, or files outside of its folder.
        TextError: if it is no JSON.
    """
    try:
        places = read_index(index)
    except TextError:
        raise
    except ValueError as error:
        raise RuntimeError(f"'{index}': {error}; nothing was read") from error
    shards: dict[str, list[str]] = {}
    for name, file in places.items():
        shards.setdefault(file, []).append(name)
    return shards


def _read_shards(index: str) -> dict[str, Tensor]:
    """Of several files, each tensor from where the index says."""
    shards, folder = tensors_by_file(index), osp.dirname(index)
    missing = [file for file in shards if not osp.isfile(osp.join(folder, file))]
    if missing:
        raise RuntimeError(
            f"'{index}' lists {len(shards)} files, of which there is no "
            f'{", ".join(sorted(missing))} beside it: copy all of them'
        )
    tensors: dict[str, Tensor] = {}
    for file, names in shards.items():
        content = read_safetensors(osp.join(folder, file))
        lacks = [name for name in names if name not in content]
        if lacks:
            raise RuntimeError(
                f"'{osp.join(folder, file)}' has no '{lacks[0]}', which '{index}' has "
                'in it: they are not of the same model'
            )
        tensors.update((name, content[name]) for name in names)
    return tensors


def _read_torchscript(path: str) -> dict[str, Tensor]:
    try:
        weights = torch.jit.load(path, map_location='cpu').state_dict()
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise RuntimeError(
            f"'{path}' is a damaged TorchScript archive: {reason}"
        ) from error
    return {key: value for key, value in weights.items() if key not in _DERIVED}


def check_npz(path: str) -> None:
    """Refuse what is no ``.npz`` of arrays, as big_vision writes them.

    Raises:
        RuntimeError: naming the file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            is_known = any(name.endswith(_BIG_VISION) for name in arrays.files)
    except Exception as error:  # of zipfile, numpy or pickle
        raise RuntimeError(
            f"'{path}' is empty, cut off, or no .npz of arrays: {error}"
        ) from error
    if not is_known:
        raise RuntimeError(
            f"'{path}' has no array '{_BIG_VISION}': expected SigLIP's weights, as "
            'big_vision publishes them'
        )
