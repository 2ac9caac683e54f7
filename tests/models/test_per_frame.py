"""Image backbones on clips, and CLIP's encoder for MMAction2's heads."""

import pytest
import torch
from mmaction.registry import MODELS

from tests.kit.models import TINY_ARCH

BACKBONES = {
    'mmaction2': (dict(type='ResNet', depth=18), 512),
    'mmpretrain': (dict(type='mmpretrain.ConvNeXt', arch='atto'), 320),
    'timm': (dict(type='timm.convnext_atto', pretrained=False), 320),
    'torchvision': (dict(type='torchvision.resnet18'), 512),
}


@pytest.mark.parametrize('name', BACKBONES)
def test_each_frame_by_itself(name):
    config, channels = BACKBONES[name]
    backbone = MODELS.build(dict(type='PerFrameBackbone', backbone=config))
    backbone.eval()
    clips = torch.rand(2, 3, 4, 64, 64)
    with torch.no_grad():
        actual = backbone(clips)
        turned = backbone(clips.flip(2))
        single = backbone(clips[1:, :, 2:3])
    assert actual.shape == (2, 4, channels)
    torch.testing.assert_close(turned, actual.flip(1))
    torch.testing.assert_close(single, actual[1:, 2:3], rtol=1e-4, atol=1e-5)


def test_config_is_left_alone():
    """MMAction2 takes the type out of the config of another package."""
    config = dict(type='timm.convnext_atto', pretrained=False)
    MODELS.build(dict(type='PerFrameBackbone', backbone=config))
    assert config == dict(type='timm.convnext_atto', pretrained=False)


def test_embeddings_as_feature_maps():
    torch.manual_seed(0)
    plain = MODELS.build(dict(type='CLIPImageEncoder', arch=TINY_ARCH))
    maps = MODELS.build(
        dict(type='CLIPImageEncoder', arch=TINY_ARCH, as_feature_map=True)
    )
    maps.load_state_dict(plain.state_dict())
    images, clips = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 4, 32, 32)
    assert maps(images).shape == (2, 64, 1, 1)
    torch.testing.assert_close(maps(images)[..., 0, 0], plain(images))
    assert maps(clips).shape == (2, 64, 4, 1, 1)
    torch.testing.assert_close(maps(clips)[..., 0, 0], plain(clips).mT)
