"""Numbers that are NaN or infinite, and what is to blame for them."""

import math
from collections.abc import Sequence

import torch
import torch.nn as nn
from mmengine.dist import all_gather_object
from torch import Tensor

from ..errors import NonFiniteError
from ..files import source_of
from .loading import is_sharded
from .wrappers import plain_name

SCORES = (
    'pred_score',
    'video_score',
    'attributes_score',
    'view_scores',
    'frame_scores',
)


def non_finite_tensors(model: nn.Module) -> list[str]:
    """The weights of a model that are not finite.

    Attention masks are buffers that hold -inf: only parameters must not.

    Returns:
        list[str]: Such as 'backbone.visual.proj (1 of 4096 values)'.
    """
    described = []
    for name, parameter in model.named_parameters():
        described += _describe(plain_name(name), parameter, torch.isfinite(parameter))
    for name, buffer in model.named_buffers():
        good = buffer < math.inf if buffer.is_floating_point() else buffer.isfinite()
        described += _describe(name, buffer, good)
    return described


def _describe(name: str, tensor: Tensor, good: Tensor) -> list[str]:
    if good.all():
        return []
    return [f'{name} ({int((~good).sum())} of {tensor.numel()} values)']


def check_weights(model: nn.Module, what: str) -> None:
    """Refuse a model that could give nothing but NaN.

    All processes refuse it, also where but one has the shard with such weights.

    Args:
        model (nn.Module): The model.
        what (str): Where its weights come from, for the message.

    Raises:
        NonFiniteError: naming the tensors.
    """
    tensors = non_finite_tensors(model)
    if is_sharded(model):
        tensors = [name for names in all_gather_object(tensors) for name in names]
    if tensors:
        raise NonFiniteError(f'{what}: {_list(tensors)}')


def check_scores(
    scores: Sequence[Tensor], names: Sequence[str], model: nn.Module
) -> None:
    """Refuse scores that mean nothing: their order is arbitrary.

    Args:
        scores (Sequence[Tensor]): Those of each video, of any shape.
        names (Sequence[str]): Of the videos.
        model (nn.Module): The recognizer, in which the cause is looked for.

    Raises:
        NonFiniteError: naming the first video and the tensors of the model
            that are not finite; or, where all are, what else to look at.
    """
    if not len(scores) or torch.cat([x.flatten() for x in scores]).isfinite().all():
        return
    bad = [name for name, x in zip(names, scores) if not x.isfinite().all()]
    tensors = non_finite_tensors(model)
    cause = (
        f'Not finite in the model: {_list(tensors)}'
        if tensors
        else 'All weights of the model are finite, so that their size, the input '
        'or the precision is to blame: look at this video and at '
        'model.data_preprocessor, and compute in float32'
    )
    raise NonFiniteError(
        f"the scores of '{bad[0]}' are not finite, nor those "
        f'of {len(bad) - 1} others of its batch. {cause}'
    )


def check_predictions(samples: Sequence, model: nn.Module) -> None:
    """As :func:`check_scores`, of all ``SCORES`` that the samples have."""
    found = [sample.get(name) for name in SCORES for sample in samples]
    known = [x.flatten() for x in found if x is not None]
    if not known or torch.cat(known).isfinite().all():
        return  # one question for the whole batch
    scores, names = [], []
    for sample in samples:
        of_sample = [sample.get(name) for name in SCORES]
        of_sample = [x.double().flatten() for x in of_sample if x is not None]
        if of_sample:
            scores.append(torch.cat(of_sample))
            names.append(source_of(sample))
    check_scores(scores, names, model)


def _list(names: Sequence[str]) -> str:
    more = f' and {len(names) - 5} more' if len(names) > 5 else ''
    return ', '.join(names[:5]) + more
