"""Views, and files that cannot be used, through the shipped pipelines."""

import itertools
import sys

import decord
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS, TRANSFORMS
from mmengine.dataset import Compose, pseudo_collate
from mmengine.runner import Runner

from bike_mmaction.datasets.views import parse_views, views_of
from bike_mmaction.errors import PipelineError
from bike_mmaction.recipes import (
    repeat_augmentation,
    set_clip_len,
    set_image_size,
    set_views,
    use_attributes,
    use_dense_sampling,
    use_rawframes,
    use_resize,
)
from tests.kit.configs import load_config, shrink, shrink_data, shrink_model
from tests.kit.tools import run_process
from tests.kit.videos import write_video


def config(name='bike_vitl14_k400'):
    return load_config(name)


class TestViews:
    @pytest.mark.parametrize(
        'views,expected',
        [
            ('1x1', (1, 1, False)),
            ('4x3', (4, 3, False)),
            ('10X5', (10, 5, False)),
            ('10x3d', (10, 3, True)),
            ('2x10D', (2, 10, True)),
        ],
    )
    def test_understood(self, views, expected):
        assert parse_views(views) == expected
        assert str(parse_views(views)) == views.lower()

    @pytest.mark.parametrize(
        'views',
        [
            '',
            '4',
            '4x',
            '4x2',
            '0x3',
            'x3',
            '4*3',
            '4x3x1',
            '-1x3',
            '4xd',
            'd4x3',
            '4x3dd',
            '4x30',
        ],
    )
    def test_not_understood(self, views):
        with pytest.raises(ValueError, match='clips x spatial.*10x3d'):
            parse_views(views)

    def test_tool_says_so_before_any_work(self):
        done = run_process(
            sys.executable, 'tools/test.py', 'none.py', 'none.pth', '--views', '4x2'
        )
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

    @pytest.mark.parametrize('views', ['1x1', '4x3', '10x3d', '1x5', '2x10d'])
    def test_views_are_read_back(self, views):
        cfg = config()
        set_views(cfg, '10x10d')
        set_views(cfg, views)
        for pipeline in (cfg.test_dataloader.dataset.pipeline, cfg.test_pipeline):
            assert views_of(pipeline) == views
            Compose(pipeline)
        assert views_of(cfg.val_dataloader.dataset.pipeline) == '1x1'
        assert views_of(cfg.test_pipeline[:2]) is None

    def test_dense_clips_and_ten_crops(self, tmp_path):
        video = write_video(tmp_path / 'v.mp4', num_frames=100, size=(340, 256))
        frames = decord.VideoReader(video).get_batch(range(100)).asnumpy()
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
        frames = decord.VideoReader(video).get_batch(range(32)).asnumpy()
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


class TestResize:
    def resizes(self, cfg, split='train'):
        return [
            (t.type, t.scale, t.get('interpolation'))
            for t in cfg[f'{split}_dataloader'].dataset.pipeline
            if t.type.endswith('Resize')
        ]

    def test_shipped_configs_resize_as_the_authors(self):
        cfg = config('bike_vitl14_336_k400')
        assert self.resizes(cfg) == [
            ('AntialiasedResize', (-1, 336), 'bicubic'),
            ('AntialiasedResize', (336, 336), 'bilinear'),
        ]
        assert self.resizes(cfg, 'test') == self.resizes(cfg)[:1]

    @pytest.mark.parametrize(
        'name',
        [
            'vcs_resnet50',
            'vcs_tsm_resnet50',
            'vcs_slowonly_resnet50',
            'bike_slowonly_resnet50_plugplay',
            'vcs_swin3d_tiny',
            'vcs_timesformer',
            'vcs_videomae_vitb16',
        ],
    )
    def test_models_of_mmaction2_resize_as_it_does(self, name):
        cfg = config(f'{name}_k400')
        assert self.resizes(cfg) == [
            ('Resize', (-1, 256), 'bilinear'),
            ('Resize', (224, 224), 'bilinear'),
        ]

    def test_there_and_back(self):
        cfg = config()
        expected = cfg.to_dict()
        use_resize(cfg, 'mmcv')
        assert self.resizes(cfg, 'val') == [('Resize', (-1, 256), 'bilinear')]
        use_resize(cfg, 'antialiased')
        assert cfg.to_dict() == expected

    def test_unknown(self):
        with pytest.raises(ValueError, match="'pil'.*'mmcv', 'antialiased'"):
            use_resize(config(), 'pil')

    def test_size_of_an_older_config(self, video):
        """As they were dumped: MMAction2's ``Resize`` and ``CenterCrop``."""
        cfg = config()
        use_resize(cfg, 'mmcv')
        for split in ('train', 'val', 'test'):
            for transform in cfg[f'{split}_dataloader'].dataset.pipeline:
                if transform.type == 'RoundedCenterCrop':
                    transform.type = 'CenterCrop'
                transform.pop('interpolation', None)
        set_image_size(cfg, 112, 128)
        for split in ('train', 'test'):
            inputs = Compose(cfg[f'{split}_dataloader'].dataset.pipeline)(
                dict(filename=video, start_index=0, label=0, modality='RGB')
            )['inputs']
            assert inputs.shape == (1, 3, 8, 112, 112)


class TestRepeatAugmentation:
    def batch(self, cfg, data_root):
        shrink_data(cfg, data_root, 'unused')
        cfg.train_dataloader.batch_size = 2
        cfg.train_dataloader.sampler.shuffle = False
        return next(iter(Runner.build_dataloader(cfg.train_dataloader)))

    @pytest.mark.parametrize(
        'name,frames',
        [
            ('bike_vitb32_k400', False),
            ('bike_vitb32_k400', True),
            ('bike_vitl14_k400_1shot', False),
        ],
    )
    def test_batch_has_samples_of_each_video(self, name, frames, data_root):
        torch.manual_seed(0)
        np.random.seed(0)
        cfg = config(name)
        if 'shot' in name:
            cfg.train_dataloader.dataset.allow_fewer = True
        if frames:
            use_rawframes(cfg)
        use_attributes(
            cfg, dict(train=f'{data_root}/attributes_kinetics400_train.json')
        )
        repeat_augmentation(cfg, 2)
        repeat_augmentation(cfg, 3)
        batch = self.batch(cfg, data_root)
        videos = [s.get('filename', s.get('frame_dir')) for s in batch['data_samples']]
        assert len(batch['inputs']) == 6
        assert [videos.count(v) for v in videos] == [3] * 6
        labels = [s.gt_label.item() for s in batch['data_samples']]
        assert labels[:3] == labels[:1] * 3 and labels[0] != labels[3]
        assert batch['data_samples'][5].attributes
        pixels = {x.numpy().tobytes() for x in batch['inputs']}
        assert len(pixels) == 6  # drawn for each

    def test_frames_are_decoded_once(self, video):
        cfg = config()
        repeat_augmentation(cfg, 4)
        cfg.train_pipeline[-1].transforms = cfg.train_pipeline[-1].transforms[-2:]
        first, *others = Compose(cfg.train_pipeline)(
            dict(filename=video, start_index=0, label=0)
        )
        assert len(others) == 3
        assert all((x['inputs'] == first['inputs']).all() for x in others)

    def test_samples_do_not_change_each_other(self):
        flip = dict(type='Flip', flip_ratio=1.0)  # changes images in place
        image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        repeat = TRANSFORMS.build(
            dict(type='RepeatSample', transforms=[flip], num_repeats=2)
        )
        for sample in repeat(dict(imgs=[image.copy()], modality='RGB')):
            assert (sample['imgs'][0] == image[:, ::-1]).all()

    def test_trains(self, data_root, tmp_path):
        cfg = shrink(config('bike_vitb32_k400'), data_root, tmp_path)
        repeat_augmentation(cfg, 2)
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        Runner.from_cfg(cfg).train()

    def test_unreadable_video_is_named(self, tmp_path):
        cfg = config()
        repeat_augmentation(cfg, 2)
        with pytest.raises(PipelineError, match='gone.mp4'):
            Compose(cfg.train_pipeline)(
                dict(filename=str(tmp_path / 'gone.mp4'), start_index=0)
            )

    def test_pipeline_without_frames(self):
        cfg = config('bike_vitb32_attributes_k400')
        with pytest.raises(ValueError, match='decodes frames'):
            repeat_augmentation(cfg, 2)

    def test_other_collate_function(self):
        cfg = config()
        cfg.train_dataloader.collate_fn = dict(type='default_collate')
        with pytest.raises(ValueError, match='default_collate'):
            repeat_augmentation(cfg, 2)

    def test_no_repeats(self):
        with pytest.raises(ValueError, match='num_repeats=0'):
            repeat_augmentation(config(), 0)


def test_frames_of_a_clip_are_gray_together(video):
    pipeline = config().train_dataloader.dataset.pipeline
    compose = Compose(pipeline)
    gray = []
    for _ in range(60):
        clip = compose(dict(filename=video, start_index=0, label=0, modality='RGB'))[
            'inputs'
        ][0]  # [3, T, H, W]
        per_frame = (clip[0] == clip[1]).all(-1).all(-1)
        assert per_frame.all() or not per_frame.any()
        gray.append(bool(per_frame.all()))
    assert 2 <= sum(gray) <= 28  # a fifth of 60, within chance


class TestBadVideos:
    """One error that names the file, in training, testing and workers."""

    @pytest.fixture(params=['missing', 'truncated', 'truncated-late', 'empty', 'text'])
    def bad(self, request, tmp_path):
        path = tmp_path / 'videos' / 'bad.mp4'
        options = (
            dict(movflags='faststart') if request.param == 'truncated-late' else None
        )
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
            path.write_bytes(data[: len(data) // 2])
        (tmp_path / 'list.txt').write_text('bad.mp4 3\n')
        return tmp_path, str(path), expected

    @pytest.mark.parametrize('split', ['train', 'test'])
    def test_dataset(self, bad, split):
        root, path, expected = bad
        dataset = config()[f'{split}_dataloader'].dataset
        dataset.update(
            ann_file=str(root / 'list.txt'),
            data_prefix=dict(video=str(root / 'videos')),
        )
        with pytest.raises(PipelineError) as error:
            DATASETS.build(dataset)[0]
        assert path in str(error.value) and expected in str(error.value)

    def test_runner_with_workers(self, bad, data_root, tmp_path):
        root, path, expected = bad
        cfg = shrink(config('bike_vitb32_k400'), data_root, tmp_path)
        cfg.train_dataloader.num_workers = 1
        cfg.train_dataloader.dataset.update(
            ann_file=str(root / 'list.txt'),
            data_prefix=dict(video=str(root / 'videos')),
        )
        with pytest.raises(PipelineError) as error:
            Runner.from_cfg(cfg).train()
        assert path in str(error.value) and expected in str(error.value)

    def test_missing_frame_folder(self, tmp_path):
        (tmp_path / 'list.txt').write_text('nowhere 30 3\n')
        cfg = config()
        use_rawframes(cfg)
        dataset = cfg.test_dataloader.dataset
        dataset.update(
            ann_file=str(tmp_path / 'list.txt'), data_prefix=dict(img=str(tmp_path))
        )
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
