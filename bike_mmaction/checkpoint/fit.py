"""Whether a checkpoint fits a model."""

from collections.abc import Sequence

import torch

StateDict = dict[str, torch.Tensor]
SURPLUS = 'tensors not in the model'


def check_fit(
    state_dict: StateDict, own: StateDict, what: str, optional: Sequence[str]
) -> None:
    """Refuse a checkpoint that would leave a model partly untrained.

    MMEngine loads with ``strict=False`` and only logs what did not fit.

    Args:
        state_dict (dict): The tensors to load.
        own (dict): The model's own tensors.
        what (str): Name of the model, for the message.
        optional (Sequence[str]): Prefixes of tensors that either side may
            lack.

    Raises:
        RuntimeError: naming tensors of another shape, absent ones and
            surplus ones.
    """
    problems = [
        _listed(names, what_is_wrong)
        for what_is_wrong, names in misfits(state_dict, own, tuple(optional)).items()
        if names
    ]
    if problems:
        raise RuntimeError(
            f'the checkpoint does not fit this {what}; was it made with '
            'another `arch`, or with or without a `neck`? (model.optional='
            "['neck.'] lets a checkpoint lack it, or have it)\n  "
            + '\n  '.join(problems)
        )


def check_complete(model: torch.nn.Module, checkpoint: dict, path: str) -> None:
    """Refuse a checkpoint that leaves weights of a model random.

    For models of any kind, before or after MMEngine has loaded it: surplus
    tensors are no fault, as of a checkpoint with further parts.

    Args:
        model (nn.Module): Built, of any class.
        checkpoint (dict): What was read: a state dict, or one with it.
        path (str): File or address, for the message.

    Raises:
        RuntimeError: naming tensors that are absent or of another shape.
    """
    given = _as_loaded(model, _unwrapped(checkpoint.get('state_dict', checkpoint)))
    own = {
        name: tensor
        for name, tensor in _unwrapped(model.state_dict()).items()
        if not name.endswith('num_batches_tracked')  # older files lack it
    }
    by_fault = misfits(given, own, ())
    del by_fault[SURPLUS]
    problems = [_listed(names, what) for what, names in by_fault.items() if names]
    if problems:
        raise RuntimeError(
            f"checkpoint '{path}' does not fit this {type(model).__name__}, whose "
            'weights would be random; was it made with another config?\n  '
            + '\n  '.join(problems)
        )


def _as_loaded(model: torch.nn.Module, state_dict: StateDict) -> StateDict:
    """A copy, as the model's own hooks change it before it is loaded.

    Such as those of MMPreTrain, which resize the embeddings of positions.
    """
    changed = dict(state_dict)
    for name, module in model.named_modules():
        prefix = f'{name}.' if name else ''
        for hook in module._load_state_dict_pre_hooks.values():
            hook(changed, prefix, {}, False, [], [], [])
    return changed


def _unwrapped(state_dict: StateDict) -> StateDict:
    """The same without the prefix that a wrapper of several processes gives."""
    return {name.removeprefix('module.'): value for name, value in state_dict.items()}


def misfits(
    state_dict: StateDict, own: StateDict, optional: tuple[str, ...]
) -> dict[str, list[str]]:
    """The tensors that do not fit, by what is wrong with them.

    Args:
        state_dict (dict): The tensors to load.
        own (dict): The model's own tensors.
        optional (tuple[str, ...]): Prefixes of tensors that either may lack.
    """
    shapes = [
        f'{name}: {tuple(state_dict[name].shape)} in the checkpoint, '
        f'{tuple(tensor.shape)} in the model'
        for name, tensor in own.items()
        if name in state_dict and state_dict[name].shape != tensor.shape
    ]
    absent = [name for name in own if name not in state_dict]
    surplus = [name for name in state_dict if name not in own]
    return {
        'tensors of another shape': shapes,
        'tensors not in the checkpoint': _without(optional, absent),
        SURPLUS: _without(optional, surplus),
    }


def _without(prefixes: tuple[str, ...], names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(prefixes)]


def _listed(names: list[str], what_is_wrong: str) -> str:
    """How many there are, and the first five, a line each."""
    lines = [f'{len(names)} {what_is_wrong}:', *names[:5]]
    return '\n    '.join(lines + ['...'] * (len(names) > 5))
