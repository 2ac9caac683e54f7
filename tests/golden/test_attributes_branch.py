"""The attributes branch computes what the authors' modules compute.

From a checkpoint in the released layout, saved to disk, converted by the
tool and loaded through mmengine. Expected agreement: 1e-4 relative.
"""

import os.path as osp

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.runner import load_checkpoint

from tests.golden import fixture
from tests.kit.models import TINY_ARCH
from tests.kit.tools import convert_released

HERE = osp.dirname(__file__)
GOLDEN = np.load(osp.join(HERE, 'attributes.npz'))


@pytest.fixture(scope='module', params=['', 'module.'])
def converted(request, tmp_path_factory):
    """A released file, converted by the command-line tool."""
    return convert_released(
        fixture.checkpoint('attributes', prefix=request.param),
        tmp_path_factory.mktemp('released'),
    )


def build(**kwargs):
    return MODELS.build(
        dict(
            type='CLIPRecognizer',
            attributes_head=dict(
                type='AttributesTextHead',
                num_classes=len(fixture.CLASSES),
                class_names=fixture.CLASSES,
                prompt=fixture.PROMPT,
                attributes_prompt=fixture.PROMPT,
                text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
                **kwargs,
            ),
        )
    )


@pytest.fixture
def model(converted):
    model = build()
    load_checkpoint(model, converted, map_location='cpu')
    return model.eval()


def samples():
    found = [ActionDataSample() for _ in fixture.ATTRIBUTES]
    for sample, attributes in zip(found, fixture.ATTRIBUTES):
        sample.set_field(list(attributes), 'attributes')
    return found


def close(actual, expected, rtol=1e-4):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        actual.detach().numpy(), expected, rtol=rtol, atol=rtol * scale
    )


def test_tokens_and_embeddings(model):
    head = model.attributes_head
    texts = head.sentences(fixture.ATTRIBUTES)
    np.testing.assert_array_equal(head.text_encoder.tokenize(texts), GOLDEN['tokens'])
    found = head.text_encoder(texts, words=False, keep=False).sentence
    close(found, GOLDEN['attribute_embeddings'])


def test_trained_head(model):
    close(model({}, samples()), GOLDEN['cosine'])


def test_plug_and_play(converted):
    model = build(mlp=False)
    model.optional = [
        f'attributes_head.{name}'
        for name in ('query_fc.', 'sentence_fc.', 'logit_scale')
    ]
    load_checkpoint(model, converted, map_location='cpu')
    close(model.eval()({}, samples()), GOLDEN['cosine_untrained'])


def test_scores(model):
    found = model({}, samples(), mode='predict')
    close(torch.stack([s.attributes_score for s in found]), GOLDEN['scores'])
    close(torch.stack([s.pred_score for s in found]), GOLDEN['scores'])
