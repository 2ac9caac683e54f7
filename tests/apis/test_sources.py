"""What can be recognized: files, folders, arrays, windows of them."""

import os.path as osp

import numpy as np
import pytest

from bike_mmaction.apis.inference.sources import (
    ImageFolder,
    Source,
    find_sources,
    windows_of,
)
from tests.kit.models import CLASSES
from tests.kit.videos import read_video, write_frames, write_video


def test_files_folders_and_arrays_agree(bike, videos, folder):
    (expected,) = bike(videos[0], CLASSES)
    frames = read_video(videos[0])
    write_frames(videos[0], str(folder / 'frames'), 'img_{:05}.png')
    for source in (frames, str(folder / 'frames'), folder / 'frames'):
        (recognition,) = bike(source, CLASSES)
        assert recognition.frames == expected.frames
        np.testing.assert_allclose(
            [v for _, v in recognition.predictions],
            [v for _, v in expected.predictions],
            rtol=1e-3,
        )
    assert len(bike(str(folder / 'videos'), CLASSES)) == 10


def test_file_without_suffix_is_itself(bike, videos, folder):
    """MMAction2 would open another, with .mp4."""
    write_video(folder / 'other.mp4', num_frames=16, seed=5)
    with open(videos[0], 'rb') as file:
        (folder / 'other').write_bytes(file.read())
    (recognition,) = bike(str(folder / 'other'), CLASSES)
    assert recognition.frames == bike(videos[0], CLASSES)[0].frames


def test_numbers_of_images_count_as_numbers(folder):
    path = folder / 'numbers'
    path.mkdir()
    for i in (1, 2, 10, 11):
        (path / f'{i}.png').touch()
    names = [osp.basename(p) for p in ImageFolder(path).paths]
    assert names == ['1.png', '2.png', '10.png', '11.png']


def test_windows_reach_the_end():
    source = Source('array', [0] * 250)
    for window, stride, starts in (
        (4, 2, [0, 2, 4, 6]),
        (4, 4, [0, 4, 6]),
        (3, 10, [0, 7]),
        (20, 5, [0]),
    ):
        windows = windows_of(source, window, stride)
        assert [s.segment[0] for s in windows] == starts, (window, stride)
        assert windows[-1].segment[1] == 10


def test_unfit_inputs():
    for inputs, error, message in (
        (7, TypeError, 'a path, an array'),
        (np.zeros((4, 8, 8), dtype=np.uint8), ValueError, r'\(4, 8, 8\)'),
        (np.zeros((4, 8, 8, 3)), ValueError, 'uint8, got .* float64'),
    ):
        with pytest.raises(error, match=message):
            find_sources(inputs)


def test_files_of_macos_are_no_sources(tmp_path):
    for name in ('._1.png', '1.png', '._a.mp4'):
        (tmp_path / name).touch()
    (source,) = find_sources(str(tmp_path))  # the frames of one video
    assert [osp.basename(path) for path in source.content.paths] == ['1.png']
    (tmp_path / 'a.mp4').touch()
    sources = find_sources(str(tmp_path))
    assert [osp.basename(source.name) for source in sources] == ['a.mp4']


def test_empty_folder(tmp_path):
    with pytest.raises(ValueError, match='neither videos .* nor images'):
        find_sources(str(tmp_path))
