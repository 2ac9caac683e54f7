"""Videos are found on disk; frames of segments, and names of frames."""

import os.path as osp

import pytest

from bike_mmaction.datasets.annotation import make_list
from bike_mmaction.datasets.entries import entry_of
from bike_mmaction.datasets.frame_names import frame_numbers
from bike_mmaction.datasets.official import Entry
from bike_mmaction.datasets.segments import segment_frames
from bike_mmaction.datasets.video_folders import FrameFolder, UnusableEntry, VideoFolder
from bike_mmaction.files import write_lines
from tests.kit.checks import collected
from tests.kit.lists import write_text


def folder(root, *paths):
    for path in paths:
        write_text(f'{root}/{path}')
    return VideoFolder(str(root))


PLACES = [
    ('a/001', ['b/001.mp4'], None),  # of another class
    ('a/001.avi', ['b/001.mp4', 'a/001.mp4'], 'a/001.mp4'),
    ('a/001', ['001.mp4'], '001.mp4'),  # a flat folder
    ('a/001', ['b/001.mp4', '001.mp4'], '001.mp4'),
    ('a/001', ['x/a/001.mp4', 'x/b/001.mp4'], 'x/a/001.mp4'),
    ('a/001', ['x/a/001.mp4', 'a/001.mp4'], 'a/001.mp4'),
    ('a/001', ['x/a/001.mp4', '001.mp4'], 'x/a/001.mp4'),
    ('/x/a/001', ['a/001.mp4', 'b/001.mp4'], 'a/001.mp4'),
    ('001', ['b/001.mp4'], 'b/001.mp4'),
    ('a/001.avi', ['a/001.avi', 'a/001.mp4'], 'a/001.avi'),
    ('1', ['a/001.mp4'], None),
]


def test_where_a_video_is_found(tmp_path):
    with collected() as check:
        for number, (name, paths, expected) in enumerate(PLACES):
            case = tmp_path / str(number)
            case.mkdir()
            with check((name, paths, expected)):
                assert folder(case, *paths).find([name]) == expected


SEVERAL = [
    ('a/001', ['a/001.mp4', 'a/001.avi']),
    ('a/001', ['x/a/001.mp4', 'y/a/001.mp4']),
    ('001', ['a/001.mp4', '001.mp4']),
]


def test_several_files_of_a_name(tmp_path):
    with collected() as check:
        for number, (name, paths) in enumerate(SEVERAL):
            case = tmp_path / str(number)
            case.mkdir()
            with (
                check((name, paths)),
                pytest.raises(ValueError, match=f"'{name}' may be '.*' or '.*' in"),
            ):
                folder(case, *paths).find([name])


def test_entries_of_one_file(tmp_path):
    videos = folder(tmp_path, '001.mp4', 'c/2.mp4')
    one, two = Entry(('a/001',), (0,)), Entry(('b/001',), (1,))
    with pytest.raises(
        ValueError,
        match=f"'a/001' with label 0 and 'b/001' with label 1 are both "
        f"'{tmp_path}/001.mp4'",
    ):
        make_list([one, two], videos)
    again = [one, one, Entry(('c/2',), (2, 3)), one._replace(names=('001',))]
    made = make_list(again, videos)
    assert made.lines == ['001.mp4 0', 'c/2.mp4 2 3']
    assert made.remarks == {'left out, listed before': 2}
    assert made.videos == 2


def test_segments_of_one_file(tmp_path):
    """These overlap, so that they may have several labels."""
    entry = Entry(('001',), (0,), (0.0, 1.0))
    entries = [
        entry,
        entry._replace(labels=(1,)),
        entry._replace(segment=(0.0, 2.0)),
        entry,
    ]
    made = make_list(entries, folder(tmp_path, '001.mp4'))
    assert made.lines == [
        '001.mp4 0.00 1.00 0',
        '001.mp4 0.00 1.00 1',
        '001.mp4 0.00 2.00 0',
    ]
    assert made.remarks == {'left out, listed before': 1}


SEGMENTS = [
    ((0, 1), (0, 24)),
    ((0.5, 1.02), (12, 12)),
    ((1.99, 2), (47, 1)),
    ((0.5, 0.51), (12, 1)),  # at least one
    ((4, 9), (96, 4)),  # as far as there are frames
    ((4.16, 4.2), (99, 1)),
    ((4.17, 5), (100, 0)),  # behind the end
]


def test_frames_of_a_segment():
    with collected() as check:
        for segment, expected in SEGMENTS:
            with check((segment, expected)):
                assert segment_frames(segment, 24, 100) == expected


@pytest.mark.parametrize('fps', [24, 25, 30, 30000 / 1001])
def test_times_are_those_of_frames(fps):
    """Although 1.16 * 25 is less than 29."""
    assert 1.16 * 25 < 29
    for number in range(1000):
        assert segment_frames((number / fps, 99), fps, 1000)[0] == number
    assert segment_frames((1.16, 2.32), 25, 100) == (29, 29)


def test_segment_behind_the_end(tmp_path):
    write_text(f'{tmp_path}/a/img_00001.jpg')
    entry = Entry(('a',), (0,), (0.04, 1.0))
    assert FrameFolder(str(tmp_path), ['img_{:05}.jpg'], 24).line('a', entry)
    with pytest.raises(UnusableEntry, match='begins behind the last frame'):
        FrameFolder(str(tmp_path), ['img_{:05}.jpg'], 25).line('a', entry)


def test_names_of_frames():
    files = [
        'img_00001.jpg',
        'img_00010.jpg',
        'img_100000.jpg',
        'img_000001.jpg',
        'img_1.jpg',
        'img_00002.png',
        'ximg_00003.jpg',
        'img_00004.jpg.tmp',
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


def test_files_of_macos_are_no_videos(tmp_path):
    """It leaves ``._name`` beside a file on a disk of another system."""
    videos = folder(tmp_path, 'a/._001.mp4', 'a/001.mp4', '._002.mp4')
    assert videos.find(['001']) == 'a/001.mp4'
    assert videos.find(['._001']) is videos.find(['002']) is None
    names = ['._img_00001.jpg', '._V-000001.jpg', 'img_00002.jpg']
    assert frame_numbers(names, 'img_{:05}.jpg', 'V') == [2]
    assert frame_numbers(names, '{video}-{:06}.jpg', 'V') == []


def test_short_segments(tmp_path):
    """They are told in seconds, or in frames where these are counted."""
    videos = VideoFolder(str(tmp_path), shortest=8)
    entry = Entry(('a',), (0,), (0.03, 8.03))  # 7.999... for a computer
    assert entry.segment[1] - entry.segment[0] < 8
    assert videos.line('a', entry) == 'a 0.03 8.03 0'
    assert videos.line('a', Entry(('a',), (0,))) == 'a 0'
    with pytest.raises(UnusableEntry, match='shorter than 8 s'):
        videos.line('a', entry._replace(segment=(1.1, 9.09)))
    for i in range(1, 21):
        write_text(f'{tmp_path}/a/image_{i:06}.jpg')
    for fps, segment, expected in (
        (1, (1.1, 9.1), 'a 1 8 0'),
        (2, (0, 8), 'a 0 16 0'),
        (1.5, (0, 8), 'a 0 12 0'),
    ):
        frames = FrameFolder(str(tmp_path), ['image_{:06}.jpg'], fps, 8)
        assert frames.line('a', entry._replace(segment=segment)) == expected
        with pytest.raises(UnusableEntry, match=f'fewer than {int(8 * fps)} frames'):
            frames.line('a', entry._replace(segment=(segment[0], 7.9)))
        assert frames.line('a', Entry(('a',), (0,))) == 'a 20 0'


def test_names_of_frames_on_disk(tmp_path):
    """Those that most folders have."""
    known = ['image_{:04}.jpg', 'img_{:05}.jpg', '{video}-{:06}.jpg']
    for name in ('a/image_0001', 'b/image_0001', 'c/img_00001', 'd/d-000001'):
        write_text(f'{tmp_path}/{name}.jpg')
    frames = FrameFolder(str(tmp_path), known[1:] + known[:1])
    assert frames.template == known[0]
    assert frames.find(['a']) == 'a' and frames.find(['c']) is None
    frames = FrameFolder(str(tmp_path), known[1:])
    assert frames.template == known[1] and frames.find(['c']) == 'c'
    assert FrameFolder(f'{tmp_path}/x', known).template == known[0]


def test_an_entry_is_the_path_below_the_folder():
    """As `os.path.relpath` has it, also of paths that are to be resolved."""
    rests = ['a.mp4', 'a/b.mp4', 'a//b', './a', 'a/../b', '../a', 'a/.', '..a/.b', 'a/']
    for folder in ('data/v', '/data/v', 'data//v/', './v'):
        for path in (osp.join(folder, rest) for rest in rests):
            entry = entry_of(dict(filename=path, label=3), [folder])
            assert entry == [osp.relpath(path, folder), 3], path
    assert entry_of(dict(filename='w/a'), ['data']) == ['w/a', -1]
