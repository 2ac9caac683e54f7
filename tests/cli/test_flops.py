"""The FLOPs and parameters of Table 1."""

import pytest
import torch
from mmaction.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from tests.kit.configs import load_config

pytestmark = pytest.mark.slow


# The FLOPs of Table 1 are those of the image tower without its attention, its
# parameters (230 million) those of the tower and the temporal transformer
# without attention, and without tensors that lie in no layer.
@pytest.mark.parametrize(
    'name, size, frames, whole, table',
    [
        ('bike_vitl14_16f_k400', 224, 16, 1296.9, 830),
        ('bike_vitl14_336_k400', 336, 8, 1528.0, 932),
        ('bike_vitl14_336_32f_k400', 336, 32, 6112.1, 3728),
    ],
)
def test_flops_of_the_paper(name, size, frames, whole, table):
    cfg = load_config(name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model).eval()
        inputs = torch.zeros(1, 1, 3, frames, size, size)
        tokens = torch.zeros(frames, (size // 14) ** 2 + 1, 1024)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.extract_feat(inputs)
    # torch counts multiplications and additions apart.
    assert counter.get_total_flops() / 2e9 == pytest.approx(whole, abs=0.05)
    visual = model.backbone.visual
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        visual.conv1(inputs[0, 0].transpose(0, 1))
        for block in visual.transformer.resblocks:
            block.mlp(tokens)
    assert counter.get_total_flops() / 2e9 == pytest.approx(table, abs=0.5)
    loose = ('class_embedding', 'positional_embedding', 'visual.proj')
    params = sum(
        p.numel()
        for part in (model.backbone, model.neck)
        for name, p in part.named_parameters()
        if '.attn.' not in name and not name.endswith(loose)
    )
    assert params / 1e6 == pytest.approx(230.6, abs=0.05)
