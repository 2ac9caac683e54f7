"""Whether a checkpoint fits a model."""

from collections.abc import Sequence

import torch

StateDict = dict[str, torch.Tensor]


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
        for what_is_wrong, names in _misfits(state_dict, own, tuple(optional)).items()
        if names
    ]
    if problems:
        raise RuntimeError(
            f'the checkpoint does not fit this {what}; was it made with '
            'another `arch`, or with or without a `neck`? (model.optional='
            "['neck.'] lets a checkpoint lack it, or have it)\n  "
            + '\n  '.join(problems)
        )


def _misfits(
    state_dict: StateDict, own: StateDict, optional: tuple[str, ...]
) -> dict[str, list[str]]:
    """The tensors that do not fit, by what is wrong with them."""
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
        'tensors not in the model': _without(optional, surplus),
    }


def _without(prefixes: tuple[str, ...], names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(prefixes)]


def _listed(names: list[str], what_is_wrong: str) -> str:
    """How many there are, and the first five, a line each."""
    lines = [f'{len(names)} {what_is_wrong}:', *names[:5]]
    return '\n    '.join(lines + ['...'] * (len(names) > 5))
