"""Tests of the weights that ``pretrained`` names, without any training."""

from typing import cast

import torch.nn as nn
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseModule

from ..errors import UntrainedError
from .clip.image_encoder import CLIPImageEncoder
from .clip.text_encoder import CLIPTextEncoder
from .wrappers import unwrap_model


def check_pretrained(recognizer: nn.Module) -> None:
    """Refuse to recognize by weights that are random.

    Raises:
        UntrainedError: if ``init_weights`` leaves some so; names the parts.
    """
    random = random_parts(recognizer)
    if random:
        raise UntrainedError(
            f'no pretrained weights are known of {random}, '
            'which would be random: name a checkpoint'
        )


def random_parts(recognizer: nn.Module) -> list[str]:
    """Names of parts to which ``init_weights`` reads no weights.

    Args:
        recognizer (nn.Module): Of a backbone other than CLIP's it is taken
            for granted that its config names weights.
    """
    towers = {
        name: module
        for name, module in recognizer.named_modules()
        if isinstance(module, (CLIPImageEncoder, CLIPTextEncoder))
    }
    known = ('backbone.', *(f'{name}.' for name in towers))
    random = {}  # in order, and each once
    for name, _ in recognizer.named_parameters():
        *part, leaf = name.split('.')
        is_set = leaf == 'logit_scale' or 'loss_cls' in part
        if not is_set and not name.startswith(known):
            depth = 2 if part[0].endswith('head') else 1
            random['.'.join(part[:depth])] = True
    return list(random) + [n for n, t in towers.items() if not t.pretrained]


@HOOKS.register_module()
class ReadPretrained(Hook):
    """Test the weights that ``pretrained`` names, without any training.

    The runner itself reads them for training only. What it has loaded or
    trained is left as it is.
    """

    def before_test(self, runner) -> None:
        """Initialize the runner's model.

        Raises:
            UntrainedError: as :func:`check_pretrained`.
        """
        if runner._has_loaded or runner.iter:
            print_log(
                'The model was loaded or trained: `pretrained` of the config '
                'is not read for the test',
                'current',
            )
            return
        model = unwrap_model(runner.model)
        check_pretrained(model)
        cast(BaseModule, model).init_weights()
