"""The views of a test: clips and crops."""

import itertools

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.dataset import Compose, pseudo_collate

from bike_mmaction.datasets.views import parse_views, views_of
from bike_mmaction.recipes import set_views, use_dense_sampling
from tests.kit.checks import collected
from tests.kit.configs import load_config, shrink_model
from tests.kit.tools import run_python
from tests.kit.videos import read_video, write_video


def config(name='bike_vitl14_k400'):
    return load_config(name)


class TestViews:
    def test_understood(self):
        with collected() as check:
            for views, expected in (
                ('1x1', (1, 1, False)),
                ('4x3', (4, 3, False)),
                ('10X5', (10, 5, False)),
                ('10x3d', (10, 3, True)),
                ('2x10D', (2, 10, True)),
            ):
                with check(views):
                    assert parse_views(views) == expected
                    assert str(parse_views(views)) == views.lower()

    def test_not_understood(self):
        with collected() as check:
            for views in (
                '',
                *'4 4x 4x2 0x3 x3 4*3 4x3x1 -1x3 4xd d4x3 4x3dd 4x30'.split(),
            ):
                refused = pytest.raises(ValueError, match='clips x spatial.*10x3d')
                with check(repr(views)), refused:
                    parse_views(views)

    def test_tool_says_so_before_any_work(self):
        done = run_python('tools/test.py', 'none.py', 'none.pth', '--views', '4x2')
        assert done.returncode == 2
        assert "views='4x2' is not understood" in done.stderr

    def test_validation_stays_single_view(self):
        cfg = config()
        val = cfg.val_dataloader.dataset.pipeline
        cfg.test_dataloader.dataset.pipeline = val  # shared
        set_views(cfg, '4x3')
        types = [t.type for t in cfg.val_dataloader.dataset.pipeline]
        assert 'RoundedCenterCrop' in types
        assert 'SpacedThreeCrop' not in types
        set_views(cfg, '1x1')
        assert types == [t.type for t in cfg.test_dataloader.dataset.pipeline]

    def test_views_are_read_back(self):
        with collected() as check:
            for views in ('1x1', '4x3', '10x3d', '1x5', '2x10d'):
                cfg = config()
                set_views(cfg, '10x10d')
                set_views(cfg, views)
                with check(views):
                    for pipeline in (
                        cfg.test_dataloader.dataset.pipeline,
                        cfg.test_pipeline,
                    ):
                        assert views_of(pipeline) == views
                        Compose(pipeline)
                    assert views_of(cfg.val_dataloader.dataset.pipeline) == '1x1'
                    assert views_of(cfg.test_pipeline[:2]) is None

    def test_dense_clips_and_ten_crops(self, tmp_path):
        video = write_video(tmp_path / 'v.mp4', num_frames=100, size=(340, 256))
        frames = read_video(video)
        cfg = config()
        set_views(cfg, '2x10d')
        views = Compose(cfg.test_pipeline)(
            dict(filename=video, start_index=0, label=0)
        )['inputs']
        assert views.shape == (20, 3, 8, 224, 224)
        last = views[-1].permute(1, 2, 3, 0).numpy()  # mirrored middle
        assert np.array_equal(last[:, :, ::-1], frames[36::8, 16:240, 58:282])

    def test_range_of_a_dense_model_stays(self):
        cfg = config()
        use_dense_sampling(cfg, sample_range=128)
        set_views(cfg, '3x3d')
        for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
            assert pipeline[1].type == 'DenseClipSampleFrames'
            assert pipeline[1].sample_range == 128
        assert views_of(cfg.val_pipeline) == '1x1d'
        set_views(cfg, '4x3')
        assert cfg.test_pipeline[1] == dict(
            type='SparseSampleFrames', clip_len=8, test_mode=True, num_clips=4
        )

    def test_old_config_of_three_crops(self):
        pipeline = [
            dict(type='SparseSampleFrames', clip_len=8, num_clips=4),
            dict(type='ThreeCrop', crop_size=256),
        ]
        assert views_of(pipeline) == '4x3'

    def test_12_views_give_one_score_vector(self, tmp_path):
        video = write_video(tmp_path / 'v.mp4', num_frames=50, size=(340, 256))
        cfg = config()
        set_views(cfg, '4x3')
        data = Compose(cfg.test_dataloader.dataset.pipeline)(
            dict(filename=video, start_index=0, label=-1, modality='RGB')
        )
        assert data['inputs'].shape == (12, 3, 8, 224, 224)
        shrink_model(cfg.model)
        model = MODELS.build(cfg.model).eval()
        del data['data_samples'].gt_label
        with torch.no_grad():
            out = model.test_step(pseudo_collate([data]))
        assert out[0].pred_score.shape == (400,)

    def test_crops_and_clips_are_where_they_should_be(self, tmp_path):
        # 32 frames in 8 segments of 4; resized to 512x256, cropped to 224.
        video = write_video(tmp_path / 'v.mp4', num_frames=32, size=(512, 256))
        frames = read_video(video)
        cfg = config()
        set_views(cfg, '4x3')
        views = Compose(cfg.test_dataloader.dataset.pipeline)(
            dict(filename=video, start_index=0, label=0)
        )['inputs']
        assert len(views) == 12
        lefts = [0, 2 * ((512 - 224) // 2), (512 - 224) // 2]
        for view, (left, clip) in zip(views, itertools.product(lefts, range(4))):
            images = frames[clip::4, 16:240, left : left + 224]
            assert np.array_equal(view.permute(1, 2, 3, 0).numpy(), images)

    def test_pipeline_that_samples_otherwise(self):
        cfg = config()
        cfg.test_dataloader.dataset.pipeline[1].type = 'SampleFrames'
        with pytest.raises(ValueError, match='no SparseSampleFrames.*VideoInit'):
            set_views(cfg, '4x3')


def test_config_without_a_test_pipeline():
    cfg = config()
    cfg.pop('test_dataloader')
    cfg.pop('test_pipeline')
    with pytest.raises(ValueError, match="no 'test_dataloader.dataset"):
        set_views(cfg, '4x3')
