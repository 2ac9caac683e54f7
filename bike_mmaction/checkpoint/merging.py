"""Joining branches that were trained apart."""

from collections import OrderedDict

import torch

from .conversion import Conversion
from .fit import StateDict

OF_VIDEO, OF_ATTRIBUTES = 'cls_head.text_encoder.', 'attributes_head.text_encoder.'


def merge_branches(video: dict, attributes: dict) -> Conversion:
    """Join the branches, trained apart, to a checkpoint of both.

    A text encoder that is the same in both is kept once, as the shipped
    configs expect. Where the two differ, the config needs an own
    ``attributes_head.text_encoder``.

    Args:
        video (dict): Checkpoint with a video branch.
        attributes (dict): Checkpoint with an attributes branch.

    Returns:
        Conversion: ``renamed`` lists the tensors taken from ``attributes``,
        ``unused`` those that were not.

    Raises:
        ValueError: if a branch is missing.
    """
    first = _state_of(video, 'video', 'cls_head.')
    second = _with_own_text_encoder(
        _state_of(attributes, 'attributes', 'attributes_head.')
    )
    merged = OrderedDict(
        (name, tensor)
        for name, tensor in first.items()
        if not name.startswith('attributes_head.')
    )
    has_same_text = _has_text_of(merged, second)
    taken, unused = [], []
    for name, tensor in second.items():
        is_known = has_same_text and name.startswith(OF_ATTRIBUTES)
        if is_known or not name.startswith('attributes_head.'):
            unused.append(name)
            continue
        merged[name] = tensor
        taken.append((name, name))
    meta = dict(video.get('meta') or {})
    return Conversion(dict(meta=meta, state_dict=merged), taken, unused)


def _state_of(checkpoint: dict, branch: str, head: str) -> StateDict:
    """The tensors of a checkpoint, in which those of a head must be."""
    state = checkpoint.get('state_dict', {}) if isinstance(checkpoint, dict) else {}
    if not any(name.startswith(head) for name in state):
        raise ValueError(
            f'the {branch} checkpoint has no {head}* tensors. '
            f'Found: {sorted(map(str, state))[:10]}'
        )
    return state


def _with_own_text_encoder(state: StateDict) -> StateDict:
    """Of a head that has used the text encoder of its video branch: a copy."""
    if any(name.startswith(OF_ATTRIBUTES) for name in state):
        return state
    copies = {
        name.replace(OF_VIDEO, OF_ATTRIBUTES): tensor
        for name, tensor in state.items()
        if name.startswith(OF_VIDEO)
    }
    return {**state, **copies}


def _has_text_of(video: StateDict, attributes: StateDict) -> bool:
    """Whether both branches have the same text encoder."""
    return all(
        torch.equal(
            tensor, video.get(name.replace(OF_ATTRIBUTES, OF_VIDEO), tensor[:0])
        )
        for name, tensor in attributes.items()
        if name.startswith(OF_ATTRIBUTES)
    )
