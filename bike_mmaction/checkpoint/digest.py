"""Weights told apart by a digest, in whatever file they came."""

import hashlib

import torch
import torch.nn as nn


def weights_sha256(module: nn.Module) -> str:
    """SHA-256 of the names and bytes of all tensors, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        # numpy does not know all types, such as bfloat16
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(content.numpy())
    return digest.hexdigest()
