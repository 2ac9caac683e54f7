"""Whether a checkpoint fits a model."""

from collections.abc import Sequence

import torch

StateDict = dict[str, torch.Tensor]


def check_fit(
    state_dict: StateDict, own: StateDict, what: str, optional: Sequence[str]
) -> None:
    """Refuse a checkpoint that would leave a model partly untrained.

    mmengine loads with ``strict=False`` and only logs what did not fit.

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
    shapes = [
        f'{k}: {tuple(state_dict[k].shape)} in the checkpoint, '
        f'{tuple(own[k].shape)} in the model'
        for k in own
        if k in state_dict and state_dict[k].shape != own[k].shape
    ]
    optional = tuple(optional)
    absent = [k for k in own if k not in state_dict and not k.startswith(optional)]
    surplus = [k for k in state_dict if k not in own and not k.startswith(optional)]
    problems = [
        f'{len(names)} {kind}:\n    '
        + '\n    '.join(names[:5])
        + ('\n    ...' if len(names) > 5 else '')
        for kind, names in (
            ('tensors of another shape', shapes),
            ('tensors not in the checkpoint', absent),
            ('tensors not in the model', surplus),
        )
        if names
    ]
    if problems:
        raise RuntimeError(
            f'the checkpoint does not fit this {what}; was it made with '
            'another `arch`, or with or without a `neck`? (model.optional='
            "['neck.'] lets a checkpoint lack it, or have it)\n  "
            + '\n  '.join(problems)
        )
