"""Views, and files that cannot be used, through the shipped pipelines."""
import itertools
import os
import os.path as osp
import subprocess
import sys

import decord
import numpy as np
import pytest
import torch
from helpers import shrink, shrink_model, write_video
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.runner import Runner

from bike_mmaction.compat import PipelineError
from bike_mmaction.datasets.pipelines import (parse_views, set_clip_len,
                                              set_views)

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..', '..'))


def config(name='bike_vitl14_k400'):
    return Config.fromfile(osp.join(ROOT, 'configs', f'{name}.py'))


class TestViews:

    @pytest.mark.parametrize('views,expected',
                             [('1x1', (1, 1)), ('4x1', (4, 1)),
                              ('4x3', (4, 3)), ('10X3', (10, 3))])
    def test_understood(self, views, expected):
        assert parse_views(views) == expected

    @pytest.mark.parametrize(
        'views', ['', '4', '4x', '4x2', '0x3', 'x3', '4*3', '4x3x1', '-1x3'])
    def test_not_understood(self, views):
        with pytest.raises(ValueError, match='temporal clips x spatial'):
            parse_views(views)

    def test_tool_says_so_before_any_work(self):
        done = subprocess.run([
            sys.executable, 'tools/test.py', 'none.py', 'none.pth', '--views',
            '4x2'
        ],
                              cwd=ROOT,
                              capture_output=True,
                              text=True,
                              env=dict(os.environ, PYTHONPATH=ROOT))
        assert done.returncode == 2
        assert "views='4x2' is not understood" in done.stderr

    def test_validation_stays_single_view(self):
        cfg = config()
        set_views(cfg, '4x3')
        types = [t.type for t in cfg.val_dataloader.dataset.pipeline]
        assert 'CenterCrop' in types and 'SpacedThreeCrop' not in types
        set_views(cfg, '1x1')
        assert types == [t.type for t in cfg.test_dataloader.dataset.pipeline]

    def test_12_views_give_one_score_vector(self, tmp_path):
        video = write_video(tmp_path / 'v.mp4', num_frames=50, size=(340, 256))
        cfg = config()
        set_views(cfg, '4x3')
        data = Compose(cfg.test_dataloader.dataset.pipeline)(
            dict(filename=video, start_index=0, label=-1, modality='RGB'))
        assert data['inputs'].shape == (12, 3, 8, 224, 224)
        shrink_model(cfg.model)
        model = MODELS.build(cfg.model).eval()
        del data['data_samples'].gt_label
        with torch.no_grad():
            out = model.test_step(pseudo_collate([data]))
        assert out[0].pred_score.shape == (400, )

    def test_crops_and_clips_are_where_they_should_be(self, tmp_path):
        # 32 frames in 8 segments of 4; resized to 512x256, cropped to 224.
        video = write_video(tmp_path / 'v.mp4', num_frames=32, size=(512, 256))
        frames = decord.VideoReader(video).get_batch(range(32)).asnumpy()
        cfg = config()
        set_views(cfg, '4x3')
        views = Compose(cfg.test_dataloader.dataset.pipeline)(dict(
            filename=video, start_index=0, label=0))['inputs']
        assert len(views) == 12
        lefts = [0, 2 * ((512 - 224) // 2), (512 - 224) // 2]
        for view, (left, clip) in zip(views,
                                      itertools.product(lefts, range(4))):
            images = frames[clip::4, 16:240, left:left + 224]
            assert np.array_equal(view.permute(1, 2, 3, 0).numpy(), images)

    def test_pipeline_that_samples_otherwise(self):
        cfg = config()
        cfg.test_dataloader.dataset.pipeline[1].type = 'SampleFrames'
        with pytest.raises(ValueError, match='no SparseSampleFrames.*Decord'):
            set_views(cfg, '4x3')


def test_clip_len_is_set_everywhere():
    cfg = config()
    set_clip_len(cfg, 4)
    pipelines = [
        cfg[f'{split}_dataloader'].dataset.pipeline
        for split in ('train', 'val', 'test')
    ]
    pipelines += [cfg.train_pipeline, cfg.val_pipeline, cfg.test_pipeline]
    assert {pipeline[1].clip_len for pipeline in pipelines} == {4}


def test_frames_of_a_clip_are_gray_together(video):
    pipeline = config().train_dataloader.dataset.pipeline
    compose = Compose(pipeline)
    gray = []
    for _ in range(60):
        clip = compose(
            dict(filename=video, start_index=0, label=0,
                 modality='RGB'))['inputs'][0]  # [3, T, H, W]
        per_frame = (clip[0] == clip[1]).all(-1).all(-1)
        assert per_frame.all() or not per_frame.any()
        gray.append(bool(per_frame.all()))
    assert 2 <= sum(gray) <= 28  # a fifth of 60, within chance


class TestBadVideos:
    """One error that names the file, in training, testing and workers."""

    @pytest.fixture(
        params=['missing', 'truncated', 'truncated-late', 'empty', 'text'])
    def bad(self, request, tmp_path):
        path = tmp_path / 'videos' / 'bad.mp4'
        options = dict(movflags='faststart') \
            if request.param == 'truncated-late' else None
        write_video(path, num_frames=60, size=(160, 120), options=options)
        data = path.read_bytes()
        expected = 'truncated or no video'
        if request.param == 'missing':
            path.unlink()
            expected = 'no such file'
        elif request.param == 'empty':
            path.write_bytes(b'')
            expected = 'empty (0 bytes)'
        elif request.param == 'text':
            path.write_text('no video')
        else:
            path.write_bytes(data[:len(data) // 2])
        (tmp_path / 'list.txt').write_text('bad.mp4 3\n')
        return tmp_path, str(path), expected

    @pytest.mark.parametrize('split', ['train', 'test'])
    def test_dataset(self, bad, split):
        root, path, expected = bad
        dataset = config()[f'{split}_dataloader'].dataset
        dataset.update(
            ann_file=str(root / 'list.txt'),
            data_prefix=dict(video=str(root / 'videos')))
        with pytest.raises(PipelineError) as error:
            DATASETS.build(dataset)[0]
        assert path in str(error.value) and expected in str(error.value)

    def test_runner_with_workers(self, bad, data_root, tmp_path):
        root, path, expected = bad
        cfg = shrink(config('bike_vitb32_k400'), data_root, tmp_path)
        cfg.train_dataloader.num_workers = 1
        cfg.train_dataloader.dataset.update(
            ann_file=str(root / 'list.txt'),
            data_prefix=dict(video=str(root / 'videos')))
        with pytest.raises(PipelineError) as error:
            Runner.from_cfg(cfg).train()
        assert path in str(error.value) and expected in str(error.value)

    def test_missing_frame_folder(self, tmp_path):
        (tmp_path / 'list.txt').write_text('nowhere 30 3\n')
        dataset = config('bike_vitl14_k400_rawframes').test_dataloader.dataset
        dataset.update(
            ann_file=str(tmp_path / 'list.txt'),
            data_prefix=dict(img=str(tmp_path)))
        with pytest.raises(PipelineError) as error:
            DATASETS.build(dataset)[0]
        assert str(tmp_path / 'nowhere') in str(error.value)
        assert 'no such file or folder' in str(error.value)


class TestBadLists:

    def build(self, tmp_path, content):
        (tmp_path / 'list.txt').write_text(content)
        dataset = config().train_dataloader.dataset
        dataset.update(ann_file=str(tmp_path / 'list.txt'))
        return DATASETS.build(dataset)

    @pytest.mark.parametrize('content', ['', 'a.mp4 one\n', 'a video.mp4 1\n'])
    def test_unfit_list_is_named(self, content, tmp_path):
        with pytest.raises(ValueError) as error:
            self.build(tmp_path, content)
        assert str(tmp_path / 'list.txt') in str(error.value)
        assert 'path/video.mp4 label' in str(error.value)


def test_config_without_a_test_pipeline():
    cfg = config()
    cfg.pop('test_dataloader')
    with pytest.raises(ValueError, match="no 'test_dataloader.dataset"):
        set_views(cfg, '4x3')


def test_label_out_of_range_names_the_video(data_root, tmp_path):
    (tmp_path / 'list.txt').write_text('v0.mp4 400\n')
    cfg = shrink(config('bike_vitb32_k400'), data_root, tmp_path)
    cfg.train_dataloader.dataset.ann_file = str(tmp_path / 'list.txt')
    with pytest.raises(ValueError) as error:
        Runner.from_cfg(cfg).train()
    assert 'label 400' in str(error.value)
    assert f'{data_root}/videos_train/v0.mp4' in str(error.value)
