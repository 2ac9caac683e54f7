"""Videos and frames on disk that are not as the official files say."""

import os
import os.path as osp

import pytest

from tests.kit.lists import read_lines, write_text
from tests.kit.official import prepare_lists, write_official
from tests.kit.tools import outcome, refusal
from tests.kit.videos import write_frames, write_video


def test_missing_videos(tmp_path):
    write_official('ucf101', tmp_path)
    video = 'YoYo/v_YoYo_g01_c03.avi'
    os.rename(tmp_path / 'videos' / video, tmp_path / 'kept.avi')
    out = prepare_lists('ucf101', tmp_path, '--splits', 1)
    assert out[0].endswith('list_videos.txt: 3 videos; 1 missing on disk')
    stem = 'ucf101_train_split1_list_videos'
    assert len(read_lines(tmp_path, f'{stem}.txt')) == 3
    assert read_lines(tmp_path, f'{stem}_missing.txt') == [video]
    # not among those of another class
    other = tmp_path / 'videos' / 'ApplyEyeMakeup' / 'v_YoYo_g01_c03.avi'
    os.rename(tmp_path / 'kept.avi', other)
    prepare_lists('ucf101', tmp_path, '--splits', 1)
    assert read_lines(tmp_path, f'{stem}_missing.txt') == [video]
    # found in no folder, with another extension; then none is missing
    os.rename(other, tmp_path / 'videos' / 'v_YoYo_g01_c03.MP4')
    prepare_lists('ucf101', tmp_path, '--splits', 1)
    assert read_lines(tmp_path, f'{stem}.txt')[3] == 'v_YoYo_g01_c03.MP4 100'
    assert not osp.exists(tmp_path / f'{stem}_missing.txt')
    assert not [x for x in os.listdir(tmp_path) if x.endswith('.tmp')]


def test_a_part_alone(tmp_path):
    """Who only tests needs no training videos."""
    write_official('kinetics400', tmp_path)
    os.rename(tmp_path / 'videos_train', tmp_path / 'elsewhere')
    out = prepare_lists('kinetics400', tmp_path)
    assert out[0] == (
        f'{tmp_path}/kinetics400_train_list_videos.txt: not written, nothing '
        f"found in '{tmp_path}/videos_train'"
    )
    assert 'val_list_videos.txt: 4 videos' in out[1]
    # the list of an earlier run is no more what is on disk
    (tmp_path / 'kinetics400_train_list_videos.txt').write_text('a.mp4 0\n')
    options = ['--annotations', tmp_path / 'annotations', '--data-root', tmp_path]
    status, printed = outcome('data/prepare', 'kinetics400', *options)
    assert status == 1
    assert printed == f'{out[0]}; an older one is still there\n{out[1]}\n'
    os.rename(tmp_path / 'videos_val', tmp_path / 'nowhere')
    found_nothing = (
        f"prepare: error: no video found in '{tmp_path}/videos_train' "
        f"and '{tmp_path}/videos_val'; expected files such as "
        "'train-_video0_000007_000017.mp4'"
    )
    assert refusal('data/prepare', 'kinetics400', *options).startswith(found_nothing)
    assert refusal('data/prepare', 'kinetics400', *options, '--rawframes').endswith(
        "expected frames such as 'train-_video0_000007_000017/img_00001.jpg' "
        '(other names: --frames TEMPLATE)'
    )


@pytest.mark.parametrize('rawframes', [False, True])
def test_paths_that_lists_cannot_hold(rawframes, tmp_path):
    write_official('kinetics400', tmp_path, rawframes)
    kind = 'rawframes' if rawframes else 'videos'
    folder, ending = tmp_path / f'{kind}_train', '' if rawframes else '.mp4'
    name = 'train-_video0_000007_000017'
    options = [
        'data/prepare',
        'kinetics400',
        '--annotations',
        tmp_path / 'annotations',
        '--data-root',
        tmp_path,
        *['--rawframes'][:rawframes],
    ]
    os.rename(folder / 'abseiling', folder / 'ab seiling')
    message = refusal(*options)
    path = f'ab seiling/{name}{ending}'
    assert f"'{path}' in '{folder}'" in message and 'rename' in message
    os.rename(folder / 'ab seiling', folder / 'b')
    for other in ('x', 'y'):
        os.makedirs(folder / other)
        source = folder / 'b' / f'{name}{ending}'
        os.symlink(source, folder / other / source.name)
    assert (
        f"'{name}' may be 'b/{name}{ending}' or 'x/{name}{ending}' in "
        f"'{folder}': remove or rename one"
    ) in refusal(*options)


def test_frames_with_gaps_and_behind_the_end(tmp_path):
    write_official('charades', tmp_path, rawframes=True)
    os.remove(tmp_path / 'rawframes/TR001/TR001-000007.jpg')
    for number in range(11, 25):
        os.remove(tmp_path / f'rawframes/TR002/TR002-{number:06}.jpg')
    write_text(tmp_path / 'rawframes/TR003/notes.jpg', 'no frame')
    out = prepare_lists('charades', tmp_path, '--rawframes', '--fps', 25)
    assert out[0].endswith(
        '2 videos; 0 missing on disk; 2 left out, empty or behind the end; '
        '2 left out, frames not numbered 1, 2, 3 ...; 1 left out, begins '
        'behind the last frame'
    )
    assert read_lines(tmp_path, 'charades_train_list_rawframes.txt') == [
        'TR003 0 12 92',
        'TR004 5 15 147',
    ]


def test_helpers_agree(tmp_path):
    """Frames are numbered as the list of MMAction2 expects."""
    video = write_video(tmp_path / 'a.mp4', 3)
    write_frames(video, str(tmp_path / 'V1'), '{video}-{:06}.jpg')
    assert sorted(os.listdir(tmp_path / 'V1')) == [
        f'V1-00000{i}.jpg' for i in (1, 2, 3)
    ]


def test_frames_of_other_names(tmp_path):
    """They are found, and the user is told what to do about them."""
    write_official('ucf101', tmp_path, rawframes=True)
    folders = [
        tmp_path / 'rawframes' / c / f'v_{c}_g01_c0{i}'
        for c in ('ApplyEyeMakeup', 'YoYo')
        for i in (1, 2, 3, 4)
    ]
    stem = 'ucf101_val_split1_list_rawframes'
    for folder in folders:
        (folder / '._image_0001.jpg').touch()  # of macOS
    out = prepare_lists('ucf101', tmp_path, '--rawframes')
    expected = read_lines(tmp_path, f'{stem}.txt')
    assert expected[0] == 'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01 24 0'
    assert len(out) == 7
    for folder in folders[1:]:
        for i in range(1, 25):
            os.rename(folder / f'image_{i:04}.jpg', folder / f'img_{i:05}.jpg')
    out = prepare_lists('ucf101', tmp_path, '--rawframes')
    assert out[-1] == (
        f"{tmp_path}/rawframes: frames are called 'img_{{:05}}.jpg', but the "
        "configs expect 'image_{:04}.jpg': rename them, or give "
        '`bike train`, `bike test` and `bike check-videos` the option '
        "--frames 'img_{:05}.jpg' (in place of --rawframes)"
    )
    assert read_lines(tmp_path, f'{stem}.txt') == expected[1:]
    assert read_lines(tmp_path, f'{stem}_missing.txt') == [
        'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi'
    ]
    # those of the first folder, and names that nobody knows
    options = [
        'data/prepare',
        'ucf101',
        '--annotations',
        tmp_path / 'annotations',
        '--data-root',
        tmp_path,
        '--frames',
    ]
    _, out = outcome(*options, 'image_{:04}.jpg', '--rawframes')
    assert f'{stem}.txt: 1 videos; 3 missing' in out and 'called' not in out
    for i in range(1, 25):
        os.rename(folders[2] / f'img_{i:05}.jpg', folders[2] / f'f{i:02}.png')
    _, out = outcome(*options, 'f{:02}.png', '--rawframes')
    assert ': 1 videos; ' in out and "--frames 'f{:02}.png'" in out
    assert '--frames needs --rawframes' in refusal(*options, 'f{:02}.png')
    assert "frames 'img.jpg': expected a name with a number" in refusal(
        *options, 'img.jpg', '--rawframes'
    )


def test_what_macos_leaves_behind(tmp_path):
    """``._name`` files are no videos; one of a csv is no second csv."""
    write_official('kinetics400', tmp_path)
    folder = tmp_path / 'videos_val' / 'abseiling'
    (video,) = os.listdir(folder)
    (folder / f'._{video}').write_bytes(b'\0\5\x16\7')
    os.rename(folder / video, tmp_path / video)
    (tmp_path / 'annotations' / '._kinetics_400_val.csv').touch()
    out = prepare_lists('kinetics400', tmp_path)
    assert out[1].endswith(': 3 videos; 1 missing on disk')
