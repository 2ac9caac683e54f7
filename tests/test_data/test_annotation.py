"""Frames of segments, and names of frames."""
import pytest

from bike_mmaction.datasets.annotation import (UnusableEntry, frame_numbers,
                                               segment_frames, write_lines)


@pytest.mark.parametrize(
    'segment,expected',
    [
        ((0, 1), (0, 24)),
        ((0.5, 1.02), (12, 12)),
        ((1.99, 2), (47, 1)),
        ((0.5, 0.51), (12, 1)),  # at least one
        ((4, 9), (96, 4)),  # as far as there are frames
        ((4.16, 4.2), (99, 1)),
    ])
def test_frames_of_a_segment(segment, expected):
    assert segment_frames(segment, 24, 100) == expected


def test_segment_behind_the_end():
    with pytest.raises(UnusableEntry, match='begins behind the last frame'):
        segment_frames((4.17, 5), 24, 100)


def test_names_of_frames():
    files = [
        'img_00001.jpg', 'img_00010.jpg', 'img_100000.jpg', 'img_000001.jpg',
        'img_1.jpg', 'img_00002.png', 'ximg_00003.jpg', 'img_00004.jpg.tmp'
    ]
    assert frame_numbers(files, 'img_{:05}.jpg', 'V') == [1, 10, 100000]
    assert frame_numbers(files, 'img_{:05d}.jpg', 'V') == [1, 10, 100000]
    files = ['V+1-000007.jpg', 'W-000008.jpg']
    assert frame_numbers(files, '{video}-{:06}.jpg', 'V+1') == [7]
    with pytest.raises(ValueError, match="frames 'img.jpg': expected a name"):
        frame_numbers(files, 'img.jpg', 'V')


def test_a_list_is_written_as_a_whole(tmp_path):
    path = tmp_path / 'new' / 'list.txt'
    write_lines(str(path), ['a 0'])

    def fail():
        yield 'b 0'
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_lines(str(path), fail())
    assert path.read_text() == 'a 0\n'
