"""The video branch computes what the authors' modules compute.

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
VARIANTS = [(transf, pool) for transf in ('Transf', 'None') for pool in ('VCS', 'DP')]


def golden(name):
    return np.load(osp.join(HERE, f'{name}.npz'))


@pytest.fixture(scope='module', params=['', 'module.'])
def converted(request, tmp_path_factory):
    """A released file, converted by the command-line tool."""
    return convert_released(
        fixture.checkpoint(prefix=request.param), tmp_path_factory.mktemp('released')
    )


def build(transf='Transf', pool='VCS'):
    neck = dict(type='TemporalTransformer', embed_dims=64, num_heads=2)
    optional = [] if transf == 'Transf' else ['neck.']
    return MODELS.build(
        dict(
            type='CLIPRecognizer',
            backbone=dict(type='CLIPImageEncoder', arch=TINY_ARCH),
            neck=neck if transf == 'Transf' else None,
            optional=optional,
            cls_head=dict(
                type='VCSHead',
                num_classes=len(fixture.CLASSES),
                in_channels=64,
                class_names=fixture.CLASSES,
                prompt=fixture.PROMPT,
                aggregation='vcs' if pool == 'VCS' else 'mean',
                text_encoder=dict(type='CLIPTextEncoder', arch=TINY_ARCH),
            ),
        )
    )


def load(model, path):
    load_checkpoint(model, path, map_location='cpu')
    return model.eval()


def close(actual, expected, rtol=1e-4):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        actual.detach().numpy(), expected, rtol=rtol, atol=rtol * scale
    )


def samples(count):
    return [ActionDataSample() for _ in range(count)]


def inputs(videos, views=1):
    frames = fixture.frames(videos * views)  # [B·V, T, 3, H, W]
    return frames.transpose(1, 2).unflatten(0, (videos, views))


def test_embeddings_and_saliency(converted):
    expected, model = golden('video'), load(build(), converted)
    head = model.cls_head
    with torch.no_grad():
        frames, _ = model.extract_feat(inputs(3), stage='backbone')
        aggregated, _ = model.extract_feat(inputs(3), stage='neck')
        texts = head.text_encoder(head.prompts(), words=True)
        _, saliency = head.spot(aggregated)
    tokens = head.text_encoder.tokenize(head.prompts())
    assert np.array_equal(tokens.numpy(), expected['tokens'])
    close(texts.sentence, expected['class_embeddings'])
    close(texts.words[:3], expected['word_embeddings'])
    close(frames, expected['frame_embeddings'])
    close(aggregated, expected['aggregated_frames'])
    close(saliency, expected['saliency'])


@pytest.mark.parametrize('transf,pool', VARIANTS)
def test_class_scores(converted, transf, pool):
    expected, model = golden('video'), load(build(transf, pool), converted)
    with torch.no_grad():
        cosine = model(inputs(3), mode='tensor', stage='head')
        out = model(inputs(3), samples(3), mode='predict')
    close(cosine, expected[f'cosine_{transf}_{pool}'])
    scores = torch.stack([sample.pred_score for sample in out])
    close(scores, expected[f'scores_{transf}_{pool}'])


@pytest.mark.parametrize('transf,pool', VARIANTS)
def test_several_views(converted, transf, pool):
    expected = golden('multiview')
    model = load(build(transf, pool), converted)
    with torch.no_grad():
        cosine = model(inputs(3, 4), mode='tensor', stage='head')
        out = model(inputs(3, 4), samples(3), mode='predict')
    close(cosine, expected[f'cosine_{transf}_{pool}'])
    scores = torch.stack([sample.pred_score for sample in out])
    close(scores, expected[f'scores_{transf}_{pool}'])
