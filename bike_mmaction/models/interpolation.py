"""Weights between a fine-tuned and the original CLIP."""

import torch
import torch.nn as nn
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from .clip.image_encoder import CLIPImageEncoder
from .clip.text_encoder import CLIPTextEncoder
from .wrappers import unwrap_model


def interpolate_with_pretrained(model: nn.Module, weight: float) -> int:
    """Move CLIP's towers towards the weights they were trained from.

    Fine-tuning makes CLIP better on its classes and worse on others; weights
    in between are often better for zero-shot recognition than either end.
    What CLIP does not have, such as the temporal transformer, stays.

    Args:
        model (nn.Module): Its towers are changed; their ``pretrained`` says
            where they come from.
        weight (float): 1 for the weights of the model, 0 for the original.

    Returns:
        int: Number of towers.

    Raises:
        ValueError: if the weight is not in [0, 1], or no tower has
            ``pretrained``.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f'weight={weight} is not in [0, 1]')
    towers = [
        m
        for m in model.modules()
        if isinstance(m, (CLIPImageEncoder, CLIPTextEncoder))
        and m.pretrained is not None
    ]
    if not towers:
        raise ValueError(
            'there is nothing to interpolate with: no encoder '
            'of the model has `pretrained`'
        )
    for tower in towers:
        tuned = {k: v.clone() for k, v in tower.state_dict().items()}
        tower.init_weights()
        # load_state_dict also drops embeddings of texts that are kept.
        tower.load_state_dict(
            {
                k: torch.lerp(v, tuned[k], weight) if v.is_floating_point() else v
                for k, v in tower.state_dict().items()
            }
        )
    return len(towers)


@HOOKS.register_module()
class InterpolateWeights(Hook):
    """Interpolate a checkpoint with the original CLIP before the first test.

    Args:
        weight (float): See :func:`interpolate_with_pretrained`.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._done = False

    def before_test(self, runner) -> None:
        """Change the runner's model."""
        if self._done:  # another test would move the weights again
            return
        self._done = True
        model = unwrap_model(runner.model)
        interpolate_with_pretrained(model, self.weight)
        print_log(
            f'CLIP: {self.weight:g} of the checkpoint, {1 - self.weight:g} '
            'of the original weights',
            'current',
        )
