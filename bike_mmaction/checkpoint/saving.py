"""Writing checkpoint files."""

import torch

from ..files import replaced


def save_checkpoint(checkpoint: dict, path: str) -> None:
    """Write a checkpoint in one step, never half of it."""
    # Given a path, torch writes its name into the file.
    with replaced(path) as draft, open(draft, 'wb') as file:
        torch.save(checkpoint, file)
