import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from bike_mmaction.datasets.transforms import random_in_segments


def build(**kwargs):
    return TRANSFORMS.build(kwargs)


class TestRandomInSegments:

    def test_every_frame_of_every_segment_is_drawn(self):
        np.random.seed(0)
        drawn = np.concatenate(
            [random_in_segments(10, 4, 1) for _ in range(300)])
        # 10 frames in 4 segments: 0-1, 2-4, 5-6, 7-9.
        assert [sorted(set(column)) for column in drawn.T] == [[0,
                                                                1], [2, 3, 4],
                                                               [5, 6],
                                                               [7, 8, 9]]

    def test_clips_are_drawn_apart(self):
        np.random.seed(0)
        clips = random_in_segments(300, 8, 2)
        assert clips.shape == (2, 8) and (clips[0] != clips[1]).any()

    @pytest.mark.parametrize('total', [1, 3, 7])
    def test_short_videos_stay_in_range_and_order(self, total):
        clips = random_in_segments(total, 8, 50)
        assert clips.min() >= 0 and clips.max() < total
        assert (np.diff(clips, axis=1) >= 0).all()


class TestSparseSampleFrames:

    def test_extracted_frames_start_at_one(self):
        sample = build(type='SparseSampleFrames', clip_len=4, test_mode=True)
        found = sample(dict(total_frames=8, start_index=1))
        assert found['frame_inds'].tolist() == [1, 3, 5, 7]
        assert (found['clip_len'], found['num_clips']) == (4, 1)

    def test_training_is_random(self):
        np.random.seed(0)
        sample = build(type='SparseSampleFrames', clip_len=8)
        drawn = {
            tuple(sample(dict(total_frames=300, start_index=0))['frame_inds'])
            for _ in range(5)
        }
        assert len(drawn) == 5

    def test_video_without_frames(self):
        sample = build(type='SparseSampleFrames', clip_len=8)
        with pytest.raises(ValueError, match='0 frames'):
            sample(dict(total_frames=0, start_index=0))

    @pytest.mark.parametrize(
        'kwargs',
        [dict(clip_len=0), dict(clip_len=8, num_clips=0)])
    def test_impossible_numbers(self, kwargs):
        with pytest.raises(ValueError, match='must be positive'):
            build(type='SparseSampleFrames', **kwargs)


class TestSpacedThreeCrop:

    def crop(self, height, width, size):
        rows, columns = np.mgrid[:height, :width]
        image = np.stack([rows, columns, rows], axis=-1)
        results = build(
            type='SpacedThreeCrop', crop_size=size)(
                dict(imgs=[image], img_shape=(height, width)))
        return [image[0, 0, :2].tolist() for image in results['imgs']]

    def test_left_right_and_middle_of_a_wide_image(self):
        assert self.crop(8, 12, 4) == [[2, 0], [2, 8], [2, 4]]

    def test_top_bottom_and_middle_of_a_tall_image(self):
        assert self.crop(12, 8, 4) == [[0, 2], [8, 2], [4, 2]]

    def test_image_as_high_as_the_crop(self):
        assert self.crop(4, 12, 4) == [[0, 0], [0, 8], [0, 4]]

    def test_image_smaller_than_the_crop(self):
        with pytest.raises(ValueError, match='8x3.*4x4'):
            self.crop(3, 8, 4)
