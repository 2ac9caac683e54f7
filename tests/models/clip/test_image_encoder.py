"""The image tower of CLIP, frame by frame."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.models.clip.architectures import get_arch
from tests.kit import models


def image_encoder(**kwargs):
    return MODELS.build(models.image_encoder(**kwargs))


def test_clips_are_folded_frame_by_frame():
    encoder = image_encoder().eval()
    clip = torch.randn(2, 3, 5, 32, 32)
    actual = encoder(clip)
    assert actual.shape == (2, 5, 64)
    torch.testing.assert_close(actual[1, 3], encoder(clip[1:, :, 3])[0])


def test_images_of_another_size():
    with pytest.raises(ValueError, match='32x32.*48x32'):
        image_encoder()(torch.randn(1, 3, 48, 32))


def test_checkpointing_changes_no_gradient():
    clip, grads = torch.randn(2, 3, 2, 32, 32), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        encoder = image_encoder(with_cp=with_cp).train()
        encoder(clip).square().sum().backward()
        grads.append(encoder.visual.conv1.weight.grad)
    torch.testing.assert_close(*grads)


def test_frozen_stays_as_it_is():
    encoder = image_encoder(frozen=True).train()
    assert not encoder.training
    assert not any(p.requires_grad for p in encoder.parameters())


@pytest.mark.parametrize('arch', ['RN50', 'coca_ViT-B-32'])
def test_other_towers_of_open_clip(arch):
    config = get_arch(arch)
    size = config['vision_cfg']['image_size']
    encoder = image_encoder(arch=arch).eval()
    with torch.no_grad():
        actual = encoder(torch.randn(1, 3, 2, size, size))
    assert actual.shape == (1, 2, config['embed_dim'])
