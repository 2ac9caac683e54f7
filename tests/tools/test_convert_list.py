"""The authors' lists as lists of MMAction2."""

import os

import pytest

from bike_mmaction.datasets.class_names import load_class_names
from tests.kit.lists import write_text
from tests.kit.tools import outcome, refusal, run_python
from tests.kit.videos import write_frames, write_video


@pytest.fixture(scope='module')
def disk(tmp_path_factory):
    """Two videos and their frames."""
    root = tmp_path_factory.mktemp('disk')
    for i, name in enumerate(('a/one.avi', 'two.webm')):
        video = write_video(root / 'here.mp4', 5 + i)
        path = root / 'videos' / name
        os.makedirs(path.parent, exist_ok=True)
        os.rename(video, path)
        write_frames(str(path), str(root / 'frames' / name.split('.')[0]))
    return root


@pytest.fixture
def convert(tmp_path):
    """Convert lines; what was printed and the new lines."""

    def run(lines, *args):
        source = write_text(f'{tmp_path}/theirs.txt', *lines)
        out = tmp_path / 'out' / 'ours.txt'
        status, printed = outcome('data/convert_list', source, out, '--to', *args)
        assert status == 0, status
        return printed, out.read_text().splitlines()

    return run


FRAMES = ['a/one 300 7', 'b/two 10 0']
VIDEOS = ['a/one.mp4 7', 'b/two.mp4 0']


def test_without_looking_at_the_disk(convert, tmp_path):
    printed, lines = convert(FRAMES, 'videos')
    assert lines == VIDEOS
    assert printed == f'{tmp_path}/out/ours.txt: 2 of 2 lines; 0 missing on disk\n'
    assert convert(FRAMES, 'videos', '--extension', '.avi')[1] == [
        'a/one.avi 7',
        'b/two.avi 0',
    ]
    assert convert(VIDEOS, 'videos')[1] == VIDEOS
    printed, lines = convert(FRAMES + [''], 'rawframes')
    assert lines == FRAMES
    assert 'called' not in printed and '--frames TEMPLATE' in printed


def test_with_files(convert, disk, tmp_path):
    videos = ['--videos-root', disk / 'videos']
    frames = ['--frames-root', disk / 'frames']
    assert convert(FRAMES, 'videos', *videos)[1] == ['a/one.avi 7', 'two.webm 0']
    for lines in (VIDEOS, FRAMES):
        assert convert(lines, 'rawframes', *frames)[1] == ['a/one 5 7', 'two 6 0']
    printed, lines = convert(VIDEOS + ['c.mp4 1'], 'videos', *videos)
    assert len(lines) == 2 and '2 of 3 lines; 1 missing' in printed
    missing = tmp_path / 'out' / 'ours_missing.txt'
    assert missing.read_text() == 'c.mp4\n'


VIDEO = 'v_ApplyEyeMakeup_g08_c01'
UCF = f'/data/ucf101/frames/ApplyEyeMakeup/{VIDEO}'


@pytest.mark.parametrize(
    'lines,options,expected',
    [
        ([f'{UCF} 120 0'], [], ['ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.mp4']),
        # the folder of a class, whatever it is called, but no other
        (['/x/y/3/a 9 3', '/x/y/4/b 9 4'], [], ['3/a.mp4', '4/b.mp4']),
        (['jpg/a 9 3', 'jpg/b/ 9 4'], [], ['a.mp4', 'b.mp4']),
        (
            ['train_256/a 9 3', 'c/b 9 4', 'train_256/c 9 4'],
            [],
            ['a.mp4', 'c/b.mp4', 'c.mp4'],
        ),
        (
            ['/anet/v_abcdefghijk 9 3'],
            ['--dataset', 'activitynet'],
            ['v_abcdefghijk.mp4'],
        ),
        # those of video files stay where they are
        (['/x/y/a.avi 3', '/x/y/b 4'], [], ['/x/y/a.avi', '/x/y/b.mp4']),
    ],
)
def test_folders_of_frames_are_not_those_of_videos(lines, options, expected, convert):
    converted = convert(lines, 'videos', *options)[1]
    assert [line.split()[0] for line in converted] == expected
    assert [x.split()[-1] for x in converted] == [x.split()[-1] for x in lines]


def test_videos_of_frames_are_found(convert, tmp_path):
    """In the usual folder, or in any where theirs is no class."""
    write_text(f'{tmp_path}/videos/ApplyEyeMakeup/{VIDEO}.avi')
    root = ['videos', '--videos-root', tmp_path / 'videos']
    expected = f'ApplyEyeMakeup/{VIDEO}.avi 0'
    for line in (f'{UCF} 120 0', f'jpg/{VIDEO} 120 0'):
        printed, lines = convert([line, 'jpg/other 9 1'], *root)
        assert lines == [expected] and '1 missing' in printed


@pytest.mark.parametrize(
    'dataset,name',
    [
        ('activitynet', 'v_abcdefghijk_0'),
        ('activitynet', 'frames/--_1bcd_0fk_12/'),
        ('charades', '/data/charades/46GP8_3'),
        (None, 'x/v_abcdef_1234_0'),
    ],
)
def test_segments_have_no_video_files(dataset, name, convert, tmp_path):
    options = ['--dataset', dataset] if dataset else []
    source = write_text(f'{tmp_path}/x.txt', f'{name} 12 3', f'{name}0 7 3')
    message = refusal(
        'data/convert_list', source, tmp_path / 'y.txt', '--to', 'videos', *options
    )
    assert message == (
        f"convert_list: error: '{source}' names trimmed segments such as '{name}', "
        'of which there are no video files; `bike prepare` '
        f'{dataset or "activitynet"} writes a list of the segments from the '
        'official annotation'
    )
    lines = [f'{name} 12 3', f'{name} 7 3', f'{name} 8 3']
    if dataset:  # a config reads segments, so here are some from frame 0 on
        printed, converted = convert(lines, 'rawframes', '--min-frames', 8, *options)
        assert converted == [f'{name} 0 12 3', f'{name} 0 8 3']
        assert (
            '2 of 3 lines; 0 missing on disk; 1 left out, fewer than 8 '
            'frames\n' in printed
        )
    else:
        assert 'give --dataset activitynet' in refusal(
            'data/convert_list', source, tmp_path / 'y.txt', '--to', 'rawframes'
        )


@pytest.mark.parametrize(
    'line',
    [
        'v_abcdefghijk 12 3',
        'abcdefghijk 12 3',
        'v_123456789_0 12 3',
        'pick/a_pick_u_nm_np1_ba_goo_0 12 3',
        'x/abcdefghijk_000007_000017 9 1',
    ],
)
def test_whole_videos_are_no_segments(line, convert):
    """Although their names end with a number."""
    for options in ([], ['--dataset', 'activitynet']):
        assert convert([line], 'rawframes', *options)[1] == [line]
        if 'k_0' in line or 'pick' in line:
            break


def test_least_number_of_frames(convert, disk, tmp_path):
    options = ['--min-frames', 6]
    frames = ['--frames-root', disk / 'frames', *options]
    printed, lines = convert(VIDEOS, 'rawframes', *frames)
    assert lines == ['two 6 0'] and '1 left out, fewer than 6' in printed
    # of the numbers in the list
    lines = ['a/one 6 7', 'b/two 5 0']
    assert convert(lines, 'videos', *options)[1] == VIDEOS[:1]
    root = ['--videos-root', disk / 'videos']
    assert convert(lines, 'videos', *root, *options)[1] == ['a/one.avi 7']
    source = write_text(f'{tmp_path}/x.txt', *VIDEOS)
    for kind in (['videos'], ['videos', *root], ['rawframes']):
        assert f"'{source}' has no numbers of frames" in refusal(
            'data/convert_list', source, tmp_path / 'y.txt', '--to', *kind, *options
        )


def test_names_of_frames_are_told(convert, disk, tmp_path):
    frames = ['rawframes', '--frames-root', disk / 'frames']
    told = (
        "frames are called 'img_{:05}.jpg', but the configs expect "
        "'image_{:04}.jpg': rename them, or give"
    )
    printed, lines = convert(VIDEOS, *frames, '--dataset', 'ucf101')
    assert told in printed and len(lines) == 2
    # without looking at the disk
    printed, _ = convert(FRAMES, 'rawframes', '--dataset', 'ucf101')
    assert "frames are to be called 'image_{:04}.jpg'; where a c" in printed
    printed, _ = convert(VIDEOS, *frames)
    assert "frames are to be called 'img_{:05}.jpg'; where a conf" in printed
    printed, _ = convert(
        FRAMES, 'rawframes', '--dataset', 'ucf101', '--frames', 'img_{:05}.jpg'
    )
    assert told in printed


def test_official_files_are_for_another_tool(tmp_path):
    source = write_text(
        f'{tmp_path}/Charades_v1_train.csv',
        'id,subject,actions,length',
        '46GP8,HR43,c092 11.90 21.20;c147 0.00 12.60,24.83',
    )
    message = refusal(
        'data/convert_list', source, tmp_path / 'y.txt', '--to', 'rawframes'
    )
    assert f"'{source}' line 1: expected 'path label'" in message
    assert f"'bike prepare charades --annotations {tmp_path}'" in message


def test_other_order_of_classes(convert, tmp_path):
    ours = load_class_names('hmdb51')
    theirs = [name.replace(' ', '_').upper() for name in ours]
    lines = ['a 0', 'b 50']

    def translate(names):
        path = write_text(
            f'{tmp_path}/labels.csv',
            'id,name',
            *(f'{i},{n}' for i, n in enumerate(names)),
        )
        return convert(lines, 'videos', '--class-names', path, '--dataset', 'hmdb51')

    printed, converted = translate(theirs)
    assert printed.startswith(
        'labels kept: the classes are in the same order (identity)\n'
    )
    assert converted == ['a.mp4 0', 'b.mp4 50']
    printed, converted = translate(theirs[::-1])
    assert printed.startswith(
        'labels translated, 50 of 51 classes have another number here\n'
    )
    assert converted == ['a.mp4 50', 'b.mp4 0']


def test_labels_of_a_dataset_are_kept(convert):
    lines = ['a.mp4 0', 'b.mp4 50']
    assert convert(lines, 'videos', '--dataset', 'hmdb51')[1] == lines


def test_classes_of_a_split(convert, tmp_path):
    ours = load_class_names('kinetics600_zeroshot_split2')
    path = write_text(f'{tmp_path}/labels.txt', *ours[5:3:-1])
    assert convert(
        ['a.mp4 0', 'b.mp4 1'],
        'videos',
        '--class-names',
        path,
        '--dataset',
        'kinetics600_zeroshot',
        '--split',
        2,
    )[1] == ['a.mp4 5', 'b.mp4 4']


def test_a_video_of_another_class_is_not_taken(convert, tmp_path):
    write_text(f'{tmp_path}/videos/b/001.mp4')
    videos = ['videos', '--videos-root', tmp_path / 'videos']
    printed, lines = convert(['a/001 0', 'b/001 1', 'b/001 1'], *videos)
    assert lines == ['b/001.mp4 1']
    assert '1 of 3 lines; 1 missing on disk; 1 left out, listed before' in printed
    source = write_text(f'{tmp_path}/x.txt', 'b/001 1', 'b/001.mp4 2')
    assert refusal(
        'data/convert_list', source, tmp_path / 'y.txt', '--to', *videos
    ).startswith(
        "convert_list: error: 'b/001' with label 1 and 'b/001.mp4' with label 2 are "
        "both '"
    )


def test_the_list_itself_is_not_replaced(tmp_path):
    source = write_text(f'{tmp_path}/x.txt', *FRAMES)
    os.symlink(source, tmp_path / 'link.txt')
    for out in (source, f'{tmp_path}/link.txt', f'{tmp_path}/../{tmp_path.name}/x.txt'):
        assert f"OUT '{out}' is LIST itself" in refusal(
            'data/convert_list', source, out, '--to', 'videos'
        )
    assert (tmp_path / 'x.txt').read_text().splitlines() == FRAMES


@pytest.mark.parametrize(
    'line', ['a', 'a b 1', 'a 1 2 3', 'a -1', 'a 1.5', 'b two.mp4 1', 'a 1']
)
def test_malformed_lines(line, tmp_path):
    source = write_text(f'{tmp_path}/x.txt', *FRAMES, line)
    assert refusal(
        'data/convert_list', source, tmp_path / 'out.txt', '--to', 'videos'
    ) == (
        f"convert_list: error: '{source}' line 3: expected 'path "
        "label' or 'path frames label', the same in all lines, "
        f"got '{line}'"
    )
    assert not os.path.exists(tmp_path / 'out.txt')


def test_what_does_not_fit(tmp_path, disk):
    source = write_text(f'{tmp_path}/x.txt', *VIDEOS)
    empty = write_text(f'{tmp_path}/empty.txt')
    names = write_text(f'{tmp_path}/names.txt', 'wave', 'dance')
    few = write_text(f'{tmp_path}/few.txt', 'wave', 'run')
    same = write_text(f'{tmp_path}/same.txt', 'run', 'brush_hair', 'Brush Hair')
    high = write_text(f'{tmp_path}/high.txt', 'a 50', 'b 51')
    zero_shot = [
        source,
        'videos',
        '--class-names',
        few,
        '--dataset',
        'kinetics600_zeroshot',
    ]
    os.makedirs(tmp_path / 'nothing')
    labels = ['videos', '--dataset', 'hmdb51', '--class-names']
    for args, expected in (
        ([empty, 'videos'], f"'{empty}' is empty"),
        ([f'{tmp_path}/none.txt', 'videos'], "none.txt' does not exist"),
        (
            [source, 'rawframes'],
            f"'{source}' has no numbers of frames: give --frames-root",
        ),
        (
            [source, 'videos', '--videos-root', tmp_path / 'nothing'],
            f"no video found in '{tmp_path}/nothing'; expected such as 'a/one.",
        ),
        (
            [source, *labels, names],
            "--class-names: class 'dance' is none of the 51 expected ones",
        ),
        (
            [source, *labels, few],
            "'a/one.mp4' has label 7, but --class-names has 2 classes",
        ),
        (
            [source, *labels, same],
            "--class-names: 'brush_hair' and 'Brush "
            "Hair' both stand for the class 'brush hair'",
        ),
        ([high, *labels[:-1]], "'b' has label 51, but --dataset hmdb51 has 51 classes"),
        (zero_shot, '--dataset kinetics600_zeroshot needs --split, one of 1, 2, 3'),
        ([*zero_shot, '--split', 4], 'needs --split, one of 1, 2, 3'),
        ([source, 'videos', '--class-names', few], 'needs --dataset'),
        ([source, 'videos', '--split', 1], '--split needs --class-names'),
        ([source, 'videos', '--frames-root', disk], 'needs --to rawframes'),
        ([source, 'videos', '--frames', '{:05}'], 'needs --to rawframes'),
        ([source, 'videos', '--min-frames', -1], "--min-frames: '-1' is not"),
        ([source, 'rawframes', '--videos-root', disk], 'needs --to videos'),
        ([source, 'videos', '--extension', 'avi'], 'begin with a dot'),
    ):
        message = refusal(
            'data/convert_list', args[0], tmp_path / 'out.txt', '--to', *args[1:]
        )
        assert expected in message


def test_command_line(tmp_path):
    source = write_text(f'{tmp_path}/x.txt', 'a b')
    done = run_python(
        *('tools/data/convert_list.py', source),
        *(f'{tmp_path}/y.txt', '--to', 'videos'),
    )
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert f"convert_list.py: error: '{source}' line 1: expected" in done.stderr
