"""Weights between the fine-tuned and the original CLIP."""

from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import MODELS
from open_clip import CustomTextCLIP

from bike_mmaction.models.interpolation import (
    InterpolateWeights,
    interpolate_with_pretrained,
)
from tests.kit.models import (
    TINY_ARCH,
    image_encoder,
    temporal_transformer,
    text_encoder,
    video_branch,
)


def build(pretrained):
    return MODELS.build(
        video_branch(
            ['a', 'b'],
            dict(text_encoder=text_encoder(pretrained=pretrained)),
            backbone=image_encoder(pretrained=pretrained),
            neck=temporal_transformer(),
        )
    )


@pytest.fixture
def clip(tmp_path):
    """A CLIP on disk, and its state."""
    torch.manual_seed(3)
    model = CustomTextCLIP(**TINY_ARCH)
    torch.save(model.state_dict(), tmp_path / 'clip.pt')
    return str(tmp_path / 'clip.pt'), model.state_dict()


@pytest.mark.parametrize('weight', [0, 0.25, 1])
def test_towers_move_and_the_rest_stays(clip, weight):
    path, original = clip
    model = build(path)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.cls_head(torch.randn(1, 2, 64))  # embeds the texts
    assert interpolate_with_pretrained(model, weight) == 2
    for name, actual in model.state_dict().items():
        first = name.replace('backbone.', '').replace('cls_head.text_encoder.', '')
        expected = before[name]
        if first != name and first in original:
            expected = weight * expected + (1 - weight) * original[first]
        torch.testing.assert_close(actual, expected)
    # What was embedded with the weights of before is forgotten.
    sentence = model.cls_head.embed_classes(with_words=False).sentence
    fresh = build(None)
    fresh.load_state_dict(model.state_dict())
    torch.testing.assert_close(
        sentence, fresh.cls_head.embed_classes(with_words=False).sentence
    )


def test_only_the_first_test_moves_the_weights(clip):
    runner = SimpleNamespace(model=build(clip[0]))
    hook = InterpolateWeights(0.5)
    hook.before_test(runner)
    once = {k: v.clone() for k, v in runner.model.state_dict().items()}
    hook.before_test(runner)
    for name, actual in runner.model.state_dict().items():
        assert torch.equal(actual, once[name])


def test_unfit(clip):
    with pytest.raises(ValueError, match='weight=1.5'):
        interpolate_with_pretrained(build(clip[0]), 1.5)
    with pytest.raises(ValueError, match='no encoder .* `pretrained`'):
        interpolate_with_pretrained(build(None), 0.5)
