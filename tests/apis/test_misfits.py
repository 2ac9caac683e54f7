"""Real runs whose images do not fit the weights: told once each, or refused."""

import json
import warnings

import pytest
from mmengine.runner import Runner

from bike_mmaction.apis import BIKEInferencer, build_recognizer, embed_dataset
from bike_mmaction.apis.export import video_branch
from bike_mmaction.doctor.config import checks
from bike_mmaction.doctor.findings import OK, WARNING
from bike_mmaction.recipes import use_clip
from tests.kit.configs import load_config, shrink, shrink_images
from tests.kit.models import TINY_ARCH, write_clip
from tests.kit.videos import write_video


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """A tiny CLIP that wants its images squashed, between -1 and 1."""
    folder = tmp_path_factory.mktemp('weights')
    write_clip(folder / 'open_clip_pytorch_model.bin')
    told = dict(mean=[0.5] * 3, std=[0.5] * 3, resize_mode='squash')
    content = dict(model_cfg=TINY_ARCH, preprocess_cfg=told)
    (folder / 'open_clip_config.json').write_text(json.dumps(content))
    return str(folder)


@pytest.fixture
def cfg(data_root, tmp_path, weights):
    cfg = shrink_images(shrink(load_config('bike_vitb32_k400'), data_root, tmp_path))
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'AntialiasedResize':
            step.update(scale=(-1, 36), keep_ratio=True)
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
        tower.pretrained = weights
    cfg.train_dataloader.dataset.indices = cfg.val_dataloader.dataset.indices = 2
    cfg.log_level = 'WARNING'
    return cfg


def told_of(lines, name):
    """How often, each time with what is wrong in the pipeline of this name."""
    lines = [line for line in lines if 'images do not fit the weights' in line]
    for line in lines:
        assert 'data_preprocessor.mean=[122.771' in line and 'use_clip(' in line
        assert (f'{name}: the resize keeps' in line) == name.startswith('test')
    return len(lines)


def run_all(cfg, capfd, out):
    """Train, test, recognize, keep embeddings: what is told in each."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    counts = [told_of(capfd.readouterr().out.splitlines(), 'train_dataloader')]
    runner.test()
    counts.append(told_of(capfd.readouterr().out.splitlines(), 'test_dataloader'))
    checkpoint = f'{cfg.work_dir}/epoch_1.pth'
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        BIKEInferencer(cfg, checkpoint)(write_video(out / 'video.mp4'))
    counts.append(told_of([str(w.message) for w in caught], 'test_pipeline'))
    cfg.model.backbone.frozen = True
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        embed_dataset(cfg, str(out / 'store'), splits=['val'], workers=0)
    counts.append(told_of([str(w.message) for w in caught], 'val_dataloader'))
    return counts, build_recognizer(cfg, checkpoint)


def test_misfits_are_told_once_and_not_exported(cfg, capfd, tmp_path, weights):
    counts, recognizer = run_all(cfg, capfd, tmp_path)
    assert counts == [1, 1, 1, 1]
    with pytest.raises(ValueError, match='do not fit .*backbone.pretrained=None'):
        video_branch(recognizer)
    recognizer.cfg.model.backbone.pretrained = None  # "it was trained so"
    video_branch(recognizer)


def test_use_clip_mends_it(cfg, weights, recwarn):
    cfg.model.neck = None
    use_clip(cfg, f'local-dir:{weights}')
    bike = BIKEInferencer(cfg)
    assert not [w for w in recwarn if 'do not fit' in str(w.message)]
    assert video_branch(bike.model)[0].shape == (3, 8, 32, 32)


def test_doctor_tells_it_too(cfg, weights, monkeypatch):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    looked = dict(checks(cfg, 1, False, None))
    (finding,) = looked['images']()
    assert finding.state == WARNING and finding.cure.startswith('`use_clip(_base_, ')
    assert {f.state for f in looked['weights']()} == {OK}
    cfg.model.backbone.pretrained = 'hf-hub:me/gone'
    assert 'HF_HUB_OFFLINE forbids' in next(iter(looked['weights']())).text
    use_clip(cfg, f'local-dir:{weights}')
    (finding,) = looked['images']()
    assert finding.state == OK
