"""Branches that were trained apart become one checkpoint."""

import pytest
import torch
from mmaction.registry import MODELS

from bike_mmaction.checkpoint import merge_branches
from tests.golden import fixture
from tests.kit.models import (
    attributes_branch,
    both_branches,
    text_encoder,
    video_branch,
)

NAMES = fixture.CLASSES


def build(config):
    return MODELS.build(config).eval()


def merge(*models):
    """The tensors of a merged checkpoint."""
    checkpoints = [dict(state_dict=model.state_dict()) for model in models]
    return merge_branches(*checkpoints).checkpoint['state_dict']


def take_text_encoder(model, head, other):
    getattr(model, head).text_encoder.load_state_dict(
        other.cls_head.text_encoder.state_dict()
    )


def assert_same_attributes(both, attributes):
    torch.testing.assert_close(
        both.attributes_head(fixture.ATTRIBUTES),
        attributes.attributes_head(fixture.ATTRIBUTES),
    )


def test_branches_trained_apart():
    video, attributes = build(video_branch(NAMES)), build(attributes_branch(NAMES))
    take_text_encoder(attributes, 'attributes_head', video)
    merged = merge(video, attributes)
    both = build(both_branches(NAMES))
    assert set(merged) == set(both.state_dict())
    both.load_state_dict(merged)
    assert_same_attributes(both, attributes)


@pytest.mark.parametrize('same', [True, False])
def test_second_stages_of_another_video_branch(same):
    """Whose text encoder the attributes branch was trained with."""
    video, second = build(video_branch(NAMES)), build(both_branches(NAMES))
    if same:
        take_text_encoder(second, 'cls_head', video)
    merged = merge(video, second)
    head = dict(text_encoder=None if same else text_encoder())
    both = build(both_branches(NAMES, head))
    assert set(merged) == set(both.state_dict())
    both.load_state_dict(merged)
    assert_same_attributes(both, second)
    assert torch.equal(both.backbone.visual.proj, video.backbone.visual.proj)


def test_branches_with_different_text_encoders():
    video, attributes = build(video_branch(NAMES)), build(attributes_branch(NAMES))
    both = build(both_branches(NAMES, dict(text_encoder=text_encoder())))
    both.load_state_dict(merge(video, attributes))
    assert_same_attributes(both, attributes)


@pytest.mark.parametrize('branch', [video_branch, attributes_branch])
def test_merging_needs_both(branch):
    model = build(branch(NAMES))
    with pytest.raises(ValueError, match='checkpoint has no .*head'):
        merge(model, model)
