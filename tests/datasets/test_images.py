"""Images are resized, cropped and made gray as the authors do it."""

import os.path as osp

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose as Pipeline
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize
from torchvision.transforms.functional import center_crop

from tests.kit import ROOT
from tests.kit.configs import load_config
from tests.kit.videos import read_video, write_video

FACTS = np.load(osp.join(ROOT, 'tests', 'reference', 'transforms.npz'))
SHAPES = ('landscape', 'portrait', 'square', 'same')
CROPS = {
    'RoundedCenterCrop': 1,
    'SpacedThreeCrop': 3,
    'SpacedFiveCrop': 5,
    'SpacedTenCrop': 10,
}


def apply(images, **transform):
    """What a transform makes of the images of a clip."""
    results = dict(imgs=list(images), img_shape=images[0].shape[:2], modality='RGB')
    return TRANSFORMS.build(transform)(results)


def levels_apart(a, b):
    return np.abs(np.asarray(a, int) - np.asarray(b, int))


class TestFactsOfTheAuthors:
    @pytest.mark.parametrize('shape', SHAPES)
    def test_resize(self, shape):
        actual = apply(
            [FACTS[f'{shape}_image']] * 2, type='AntialiasedResize', scale=(-1, 32)
        )
        expected = FACTS[f'{shape}_resized']
        assert actual['img_shape'] == expected.shape[:2]
        for image in actual['imgs']:
            assert levels_apart(image, expected).max() <= 1

    @pytest.mark.parametrize('shape', SHAPES)
    @pytest.mark.parametrize(
        'crop,fact', [('RoundedCenterCrop', 'center'), ('SpacedThreeCrop', 'three')]
    )
    def test_crops(self, shape, crop, fact):
        actual = apply([FACTS[f'{shape}_resized']], type=crop, crop_size=28)
        expected = FACTS[f'{shape}_{fact}'].reshape(-1, 28, 28, 3)
        # In some order: views are averaged.
        assert {x.tobytes() for x in actual['imgs']} == {x.tobytes() for x in expected}
        assert len(actual['imgs']) == len(expected)

    def test_gray_of_the_configs(self):
        cfg = load_config('bike_vitb32_k400')
        (gray,) = [t for t in cfg.train_pipeline if t.type == 'TransformBroadcaster']
        assert gray.transforms[0].prob == 0.2
        gray.transforms[0].prob = 1.0
        actual = apply([FACTS['landscape_image']], **gray)['imgs'][0]
        assert levels_apart(actual, FACTS['landscape_gray']).max() <= 1


# 16:9, of which the middle of 455 pixels is no whole number; tall; short.
@pytest.mark.parametrize(
    'size,num_frames', [((640, 360), 20), ((180, 320), 9), ((320, 240), 5)]
)
def test_whole_pipeline_is_that_of_pillow(size, num_frames, tmp_path):
    path = write_video(tmp_path / 'v.mp4', num_frames=num_frames, size=size)
    frames = read_video(path)
    theirs = Compose(
        [Resize(256, InterpolationMode.BICUBIC), CenterCrop(224), np.asarray]
    )
    expected = [
        theirs(Image.fromarray(frames[int(num_frames / 8 * i)])) for i in range(8)
    ]
    cfg = load_config('bike_vitb16_k400')
    actual = Pipeline(cfg.test_pipeline)(dict(filename=path, start_index=0, label=0))[
        'inputs'
    ]
    apart = levels_apart(actual[0].permute(1, 2, 3, 0), expected)
    assert (apart > 1).mean() < 1e-4 and apart.mean() < 0.01


class TestAntialiasedResize:
    @pytest.mark.parametrize('size', [(90, 50), (37, 23), (150, 120)])
    @pytest.mark.parametrize('interpolation', ['bicubic', 'bilinear'])
    def test_is_that_of_pillow(self, size, interpolation):
        """Also where it enlarges: within 1 level, in most pixels the same."""
        image = FACTS['portrait_image']
        expected = Image.fromarray(image).resize(
            size, getattr(Image.Resampling, interpolation.upper())
        )
        actual = apply(
            [image],
            type='AntialiasedResize',
            scale=size,
            keep_ratio=False,
            interpolation=interpolation,
        )
        apart = levels_apart(actual['imgs'][0], expected)
        assert apart.max() <= 1 and apart.mean() < 0.05
        assert actual['img_shape'] == size[::-1]

    @pytest.mark.parametrize(
        'height,width,expected',
        [
            (720, 1280, (256, 455)),
            (1280, 720, (455, 256)),
            (240, 320, (256, 341)),
            (100, 171, (256, 437)),
            (171, 100, (437, 256)),
            (256, 256, (256, 256)),
        ],
    )
    def test_longer_side_is_cut_off(self, height, width, expected):
        actual = apply(
            [np.zeros((height, width, 3), np.uint8)],
            type='AntialiasedResize',
            scale=(-1, 256),
        )
        assert actual['img_shape'] == expected == actual['imgs'][0].shape[:2]
        assert actual['keep_ratio']
        assert np.allclose(
            actual['scale_factor'], [expected[1] / width, expected[0] / height]
        )

    def test_other_scales_are_those_of_mmaction2(self):
        image = [np.zeros((50, 91, 3), np.uint8)]
        for scale in ((40, 30), 0.5):
            expected = apply(image, type='Resize', scale=scale)
            actual = apply(image, type='AntialiasedResize', scale=scale)
            assert actual['imgs'][0].shape == expected['imgs'][0].shape

    def test_image_of_the_size_is_left_alone(self):
        image = FACTS['same_image']
        actual = apply([image], type='AntialiasedResize', scale=(-1, 32))
        assert actual['imgs'][0] is image

    @pytest.mark.filterwarnings('error')
    def test_mirrored_and_locked_arrays(self):
        image = FACTS['square_image']
        locked = image.copy()
        locked.setflags(write=False)
        plain, *others = apply(
            [image, locked, image[:, ::-1], image[::-1]],
            type='AntialiasedResize',
            scale=(-1, 32),
        )['imgs']
        others[1:] = others[1][:, ::-1], others[2][::-1]
        for other in others:
            assert levels_apart(plain, other).max() <= 1

    def test_images_of_several_sizes(self):
        images = [np.zeros((h, 64, 3), np.uint8) for h in (64, 32, 90)]
        actual = apply(images, type='AntialiasedResize', scale=(-1, 32))
        assert {x.shape for x in actual['imgs']} == {(32, 32, 3)}

    def test_unknown_interpolation(self):
        with pytest.raises(ValueError, match="'area'.*'bilinear', 'bicubic'"):
            TRANSFORMS.build(
                dict(type='AntialiasedResize', scale=(-1, 32), interpolation='area')
            )

    def test_frames_that_nothing_changed_can_be_flipped(self):
        """MMAction2 flips in place, here a view of the decoded frames."""
        images = [FACTS['same_image'].copy() for _ in range(2)]
        expected = images[0][2:30, 10:38][:, ::-1].copy()
        results = dict(
            imgs=[x[2:30, 10:38] for x in images], img_shape=(28, 28), modality='RGB'
        )
        for step in (
            dict(type='AntialiasedResize', scale=(28, 28), keep_ratio=False),
            dict(type='Flip', flip_ratio=1),
        ):
            results = TRANSFORMS.build(step)(results)
        assert all((x == expected).all() for x in results['imgs'])


class TestCrops:
    def starts(self, name, height, width, size, count=2):
        """Row and column of each crop's first pixel, of the first image."""
        rows, columns = np.mgrid[:height, :width]
        images = [
            np.stack([rows, columns, np.full_like(rows, i)], axis=-1)
            for i in range(count)
        ]
        actual = apply(images, type=name, crop_size=size)
        numbers = [x[0, 0, 2] for x in actual['imgs']]
        assert numbers == list(range(count)) * CROPS[name]
        assert len({x.shape for x in actual['imgs']}) == 1
        assert actual['img_shape'] == actual['imgs'][0].shape[:2]
        return [x[0, 0, :2].tolist() for x in actual['imgs'][::count]]

    @pytest.mark.parametrize(
        'height,width', [(256, 455), (455, 256), (256, 340), (341, 257)]
    )
    def test_middle_is_that_of_torchvision(self, height, width):
        rows, columns = torch.meshgrid(
            torch.arange(height), torch.arange(width), indexing='ij'
        )
        expected = center_crop(torch.stack([rows, columns]), [224, 224])
        assert self.starts('RoundedCenterCrop', height, width, 224) == [
            expected[:, 0, 0].tolist()
        ]

    # Left, right and middle, a quarter of the rest apart, as the authors.
    @pytest.mark.parametrize(
        'height,width,expected',
        [
            (8, 12, [[2, 0], [2, 8], [2, 4]]),
            (12, 8, [[4, 0], [4, 4], [4, 2]]),
            (4, 12, [[0, 0], [0, 8], [0, 4]]),
            (13, 11, [[4, 0], [4, 4], [4, 2]]),
            (4, 4, [[0, 0], [0, 0], [0, 0]]),
        ],
    )
    def test_three_lie_along_the_width(self, height, width, expected):
        assert self.starts('SpacedThreeCrop', height, width, 4) == expected

    def test_five_are_corners_and_middle(self):
        assert self.starts('SpacedFiveCrop', 9, 12, 4) == [
            [0, 0],
            [0, 8],
            [4, 0],
            [4, 8],
            [2, 4],
        ]

    def test_ten_are_also_mirrored(self):
        starts = self.starts('SpacedTenCrop', 9, 12, 4)
        assert starts[::2] == self.starts('SpacedFiveCrop', 9, 12, 4)
        assert starts[1::2] == [[y, x + 3] for y, x in starts[::2]]

    def test_crop_that_is_no_square(self):
        assert self.starts('SpacedThreeCrop', 10, 12, (8, 2)) == [
            [4, 0],
            [4, 4],
            [4, 2],
        ]

    @pytest.mark.parametrize('name', CROPS)
    @pytest.mark.parametrize('height,width', [(3, 8), (8, 3)])
    def test_image_smaller_than_the_crop(self, name, height, width):
        with pytest.raises(ValueError, match=f'{width}x{height} .* 4x4'):
            self.starts(name, height, width, 4)
