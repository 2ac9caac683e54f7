"""Frames of a clip, and several samples of a video."""

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose
from mmengine.runner import Runner

from bike_mmaction.errors import PipelineError
from bike_mmaction.recipes import (
    repeat_augmentation,
    set_clip_len,
    use_attributes,
    use_rawframes,
)
from tests.kit.configs import load_config, shrink, shrink_data


def config(name='bike_vitl14_k400'):
    return load_config(name)


def test_clip_len_is_set_everywhere():
    cfg = config()
    set_clip_len(cfg, 4)
    pipelines = [
        cfg[f'{split}_dataloader'].dataset.pipeline
        for split in ('train', 'val', 'test')
    ]
    pipelines += [cfg.train_pipeline, cfg.val_pipeline, cfg.test_pipeline]
    assert {pipeline[1].clip_len for pipeline in pipelines} == {4}


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
