"""Writing checkpoint files."""

import os
import os.path as osp

import torch

from ..files import file_sha256, replaced, write_text
from ..text_files import read_text

WEIGHTS = '.safetensors'  # files of weights alone
CHECK = 'BIKE_CHECK_SHA256'  # set to 1, in the environment


def save_checkpoint(checkpoint: dict, path: str) -> None:
    """Write a checkpoint in one step, never half of it.

    Args:
        checkpoint (dict): With ``state_dict``.
        path (str): The file; if it ends in .safetensors, the weights alone are
            written, and their SHA-256 beside them, as `sha256sum` does.
    """
    if str(path).endswith(WEIGHTS):
        _save_weights(checkpoint['state_dict'], str(path))
        return
    # Given a path, torch writes its name into the file.
    with replaced(path) as draft, open(draft, 'wb') as file:
        torch.save(checkpoint, file)


def _save_weights(state_dict: dict, path: str) -> None:
    from safetensors.torch import save_file

    # Tensors that share memory are refused.
    weights = {k: v.detach().clone().contiguous() for k, v in state_dict.items()}
    with replaced(path) as draft:
        save_file(weights, draft, dict(format='pt'))
        digest = file_sha256(draft)
    write_text(digest_file(path), f'{digest}  {osp.basename(path)}\n')


def digest_file(path: str) -> str:
    """The file beside another one, which has its SHA-256."""
    return f'{path}.sha256'


def check_digest(path: str) -> None:
    """Compare a file with its SHA-256, where ``BIKE_CHECK_SHA256=1`` asks for it.

    Args:
        path (str): A file of weights; another one only if it has a SHA-256.

    Raises:
        RuntimeError: if it has another one, or if weights have none.
    """
    if os.environ.get(CHECK, '0') in ('', '0'):
        return
    beside = digest_file(path)
    if not osp.isfile(beside):
        if path.endswith(WEIGHTS):
            raise RuntimeError(
                f"{CHECK} is set, but there is no '{beside}' to compare "
                f"'{path}' with; `sha256sum {path} > {beside}` would write it"
            )
        return
    expected = (read_text(beside).split() or [''])[0].lower()
    if file_sha256(path) != expected:
        raise RuntimeError(
            f"'{path}' is not the file whose SHA-256 '{beside}' has ({CHECK}): it "
            'is damaged or another one; copy both again'
        )
