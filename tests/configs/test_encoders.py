"""Configs of other image-text models: what follows from their weights is set."""

import glob
import os.path as osp

import numpy as np
import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from bike_mmaction.apis.inference.sources import Source, SourceReader
from bike_mmaction.compat import torch_version
from bike_mmaction.datasets.pipeline_access import SPLITS
from bike_mmaction.models.clip.pipeline_fit import misfits, wanted_images
from bike_mmaction.models.untrained import random_parts
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import is_known

PATHS = sorted(glob.glob(osp.join(ROOT, 'configs/encoders/*.py')))


def load(path):
    if not is_known(path):
        pytest.skip(f'open_clip {open_clip.__version__} has not its model')
    return Config.fromfile(path)


def test_they_are_short():
    for path in PATHS:
        with open(path, encoding='utf-8') as file:
            assert len(file.readlines()) <= 8, path


@pytest.mark.skipif(
    torch_version() < (2, 2), reason="timm's layers are built by values before 2.2"
)
@pytest.mark.parametrize('path', PATHS, ids=osp.basename)
def test_towers_and_pipelines_fit_each_other(path):
    """As large as they are, without memory; a test reads what they take."""
    cfg = load(path)
    assert wanted_images(cfg.model) and not misfits(cfg, SPLITS)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    black = np.zeros((20, 48, 64, 3), dtype=np.uint8)
    inputs = SourceReader(cfg.test_pipeline)(Source('array', black))['inputs']
    assert tuple(inputs.shape) == (1, 3, 8, *model.backbone._image_size())
    width = model.cls_head.text_encoder.embed_dims
    assert model.backbone.embed_dims == model.cls_head.in_channels == width
    if 'zero_shot' in path:
        assert not random_parts(model)
    else:
        assert model.neck.embed_dims == width


def test_losses_are_those_that_the_weights_were_trained_with():
    with collected() as check:
        for path in filter(is_known, PATHS):
            loss = Config.fromfile(path).model.cls_head.loss_cls.type
            with check(path):
                assert (loss == 'SigmoidLoss') == ('siglip' in path)
