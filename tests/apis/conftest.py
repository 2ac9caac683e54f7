"""A small recognizer for own videos, and videos for it."""

import os.path as osp

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config

from bike_mmaction.apis import BIKEInferencer
from tests.kit.configs import load_config, shrink_model
from tests.kit.models import write_checkpoint, write_clip
from tests.kit.videos import write_video

LEXICON = ['sea', 'wave', 'sun', 'grass']


@pytest.fixture(scope='session')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('inferencer')


@pytest.fixture(scope='session')
def bike(folder):
    cfg = load_config('bike_vitb32_k400')
    shrink_model(cfg.model)
    cfg.model.backbone.pretrained = write_clip(
        folder / 'clip.pt', cfg.model.backbone.arch
    )
    checkpoint = write_checkpoint(MODELS.build(cfg.model), folder / 'model.pth')
    cfg.dump(folder / 'small.py')
    return BIKEInferencer(str(folder / 'small.py'), checkpoint, device='cpu')


@pytest.fixture(scope='session')
def with_attributes(folder, bike):
    """The same video branch, and a plugged-in attributes branch."""
    cfg = Config.fromfile(str(folder / 'small.py'))
    cfg.model.attributes_head = dict(
        type='AttributesTextHead', num_classes=400, class_names='kinetics400', mlp=False
    )
    return BIKEInferencer(
        cfg, str(folder / 'model.pth'), lexicon=LEXICON, num_attributes=3
    )


@pytest.fixture(scope='session')
def videos(folder):
    """Ten files, the fourth of them broken."""
    paths = [
        write_video(folder / f'videos/v{i}.mp4', seed=i, num_frames=50)
        for i in range(10)
    ]
    with open(paths[3], 'rb+') as file:
        file.truncate(osp.getsize(paths[3]) // 2)
    return paths
