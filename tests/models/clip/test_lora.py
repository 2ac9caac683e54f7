"""Low-rank adapters on CLIP's towers."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.models.clip.lora import merged_state
from tests.kit import models

TIMM = dict(
    models.TINY_ARCH,
    vision_cfg=dict(
        timm_model_name='vit_tiny_patch16_224', timm_pool='', image_size=224
    ),
)


def image_encoder(**kwargs):
    return MODELS.build(models.image_encoder(**kwargs))


def trained_on(encoder, inputs):
    """A few large steps on what is trained."""
    trained = [p for p in encoder.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.05)
    for _ in range(3):
        optimizer.zero_grad()
        encoder.train()(inputs).square().mean().backward()
        optimizer.step()
    return encoder.eval()


@pytest.mark.parametrize(('arch', 'size'), [(models.TINY_ARCH, 32), (TIMM, 224)])
def test_adapters_alone_are_trained_and_merge(arch, size):
    frames = torch.randn(2, 3, size, size)
    torch.manual_seed(0)
    plain = image_encoder(arch=arch).eval()
    torch.manual_seed(0)
    encoder = image_encoder(arch=arch, lora=dict(rank=2)).eval()
    before = encoder(frames)
    torch.testing.assert_close(before, plain(frames))  # B begins at 0
    frozen = {
        n: p.clone() for n, p in encoder.named_parameters() if not p.requires_grad
    }
    after = trained_on(encoder, frames)(frames)
    assert (after - before).abs().max() > 0.01
    moved = [
        p.abs().max() > 0 for n, p in encoder.named_parameters() if n.endswith('.B')
    ]
    layers = [n for n in frozen if n.endswith(('c_fc.bias', 'fc1.bias'))]
    assert all(moved)
    assert len(moved) == 4 * len(layers)  # two of attention, two of the MLP
    weights = dict(encoder.named_parameters())
    for name, value in frozen.items():
        assert torch.equal(weights[name], value), name
    plain.load_state_dict(merged_state(encoder))
    torch.testing.assert_close(plain(frames), after, rtol=1e-4, atol=1e-5)


def test_pretrained_weights_below_adapters(tmp_path):
    frames = torch.randn(2, 3, 32, 32)
    clip = models.write_clip(tmp_path / 'clip.pt')
    encoders = [
        image_encoder(pretrained=clip, **options)
        for options in ({}, dict(lora=dict(rank=2)))
    ]
    outputs = []
    for encoder in encoders:
        encoder.init_weights()
        outputs.append(encoder.eval()(frames))
    torch.testing.assert_close(*outputs)


def test_a_tower_without_blocks():
    with pytest.raises(ValueError, match='ModifiedResNet.* has no transformer blocks'):
        image_encoder(arch='RN50', lora=dict(rank=2))


def test_frozen_or_adapters():
    with pytest.raises(ValueError, match=r'lora is trained, but frozen=True'):
        image_encoder(frozen=True, lora=dict(rank=2))
