"""The shipped pipelines: gray clips, and files that cannot be used."""

import pytest
from mmaction.registry import DATASETS
from mmengine.dataset import Compose
from mmengine.runner import Runner

from bike_mmaction.errors import PipelineError
from bike_mmaction.recipes import use_rawframes
from tests.kit.configs import load_config, shrink
from tests.kit.videos import write_video


def config(name='bike_vitl14_k400'):
    return load_config(name)


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

    @pytest.fixture(params=['missing', 'truncated', 'empty', 'text'])
    def bad(self, request, tmp_path):
        path = tmp_path / 'videos' / 'bad.mp4'
        write_video(path, num_frames=60, size=(160, 120))
        data = path.read_bytes()
        expected = 'its index (moov) is missing'
        if request.param == 'missing':
            path.unlink()
            expected = 'no such file'
        elif request.param == 'empty':
            path.write_bytes(b'')
            expected = 'empty (0 bytes)'
        elif request.param == 'text':
            path.write_text('no video')
            expected = 'it is no video'
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


def test_label_out_of_range_names_the_video(data_root, tmp_path):
    (tmp_path / 'list.txt').write_text('v0.mp4 400\n')
    cfg = shrink(config('bike_vitb32_k400'), data_root, tmp_path)
    cfg.train_dataloader.dataset.ann_file = str(tmp_path / 'list.txt')
    with pytest.raises(ValueError) as error:
        Runner.from_cfg(cfg).train()
    assert 'label 400' in str(error.value)
    assert f'{data_root}/videos_train/v0.mp4' in str(error.value)
