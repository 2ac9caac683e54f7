"""From official files to the lists that the configs read."""

import os
import os.path as osp
import sys

import pytest

from bike_mmaction.datasets.catalog import CATALOG
from bike_mmaction.datasets.class_names import load_class_names
from tests.kit.lists import read_lines, write_text
from tests.kit.official import kinetics600_class_names, prepare_lists, write_official
from tests.kit.tools import outcome, refusal, run_well

HEAD = "massaging_person's_head"
LISTS = dict(
    ucf101={
        'train_split2': [
            'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 0',
            'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c03.avi 0',
            'YoYo/v_YoYo_g01_c01.avi 100',
            'YoYo/v_YoYo_g01_c03.avi 100',
        ],
        'val_split2': [
            'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c02.avi 0',
            'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c04.avi 0',
            'YoYo/v_YoYo_g01_c02.avi 100',
            'YoYo/v_YoYo_g01_c04.avi 100',
        ],
        'full': [
            f'{c}/v_{c}_g01_c0{i}.avi {label}'
            for c, label in (('ApplyEyeMakeup', 0), ('YoYo', 100))
            for i in (1, 2, 3, 4)
        ],
    },
    hmdb51={
        'train_split3': [
            f'{c}/a#1_{c}_u_nm_{i}.avi {label}'
            for c, label in (('brush_hair', 0), ('wave', 50))
            for i in (0, 2)
        ],
        'val_split3': [
            f'{c}/a#1_{c}_u_nm_{i}.avi {label}'
            for c, label in (('brush_hair', 0), ('wave', 50))
            for i in (1, 3)
        ],
        'full': [
            f'{c}/a#1_{c}_u_nm_{i}.avi {label}'
            for c, label in (('brush_hair', 0), ('wave', 50))
            for i in range(6)
        ],
    },
    activitynet={
        'train': [
            'v_--Id0000000.mp4 0.50 9.50 1',
            'v_--Id0000000.mp4 12.00 24.00 1',
            'v_--Id0000001.mp4 0.50 9.50 199',
            'v_--Id0000001.mp4 12.00 24.00 199',
            '--Id0000002.mp4 0.50 9.50 1',
            '--Id0000002.mp4 12.00 24.00 1',
            'v_--Id0000003.mp4 0.50 9.50 199',
            'v_--Id0000003.mp4 12.00 24.00 199',
            'v_--Id0000003.mp4 1.00 9.00 199',
        ],
        'val': [
            'v_--Id0000004.mp4 1',
            '--Id0000005.mp4 199',
            'v_--Id0000006.mp4 1',
            'v_--Id0000007.mp4 199',
        ],
        'full': [
            'v_--Id0000000.mp4 1',
            'v_--Id0000001.mp4 199',
            '--Id0000002.mp4 1',
            'v_--Id0000003.mp4 199',
            'v_--Id0000004.mp4 1',
            '--Id0000005.mp4 199',
            'v_--Id0000006.mp4 1',
            'v_--Id0000007.mp4 199',
        ],
    },
    charades={
        'train': [
            'TR001.mp4 0.10 0.60 92',
            'TR001.mp4 0.00 0.90 147',
            'TR002.mp4 0.50 0.96 147',
            'TR003.mp4 0.00 0.48 92',
            'TR004.mp4 0.20 0.80 147',
        ],
        'val': [
            'TE001.mp4 92 147',
            'TE002.mp4 92',
            'TE003.mp4 147',
            'TE004.mp4 0 147',
            'TE005.mp4',
        ],
    },
    kinetics400={
        part: [
            f'abseiling/{part}-_video0_000007_000017.mp4 0',
            f'{HEAD}/{part}-_video1_000007_000017.mp4 196',
            f'{part}-_video2_000007_000017.mp4 0',
            f'{HEAD}/{part}-_video3.mp4 196',
        ]
        for part in ('train', 'val')
    },
)
SEGMENTS_OF_FRAMES = dict(
    activitynet={
        'train': [
            'v_--Id0000000 0 9 1',
            'v_--Id0000000 12 12 1',
            'v_--Id0000001 0 9 199',
            'v_--Id0000001 12 12 199',
            '--Id0000002 0 9 1',
            '--Id0000002 12 12 1',
            'v_--Id0000003 0 9 199',
            'v_--Id0000003 12 12 199',
            'v_--Id0000003 1 8 199',
        ]
    },
    charades={
        'train': [
            'TR001 2 13 92',
            'TR001 0 22 147',
            'TR002 12 12 147',
            'TR003 0 12 92',
            'TR004 5 15 147',
        ]
    },
)


def of_frames(name, part, lines):
    """The lines of a list of videos, as those of their frames."""
    segments = SEGMENTS_OF_FRAMES.get(name, {}).get(part)
    rows = [line.split() for line in lines]
    return segments or [
        ' '.join([osp.splitext(path)[0], '24', *labels]) for path, *labels in rows
    ]


def save_as_on_windows(folder):
    """With byte order marks and CRLF."""
    for path in filter(osp.isfile, folder.rglob('*')):
        lines = path.read_text().splitlines()
        path.write_bytes('\r\n'.join(lines).encode('utf-8-sig'))


@pytest.mark.parametrize('name', LISTS)
def test_lists(name, tmp_path):
    write_official(name, tmp_path, rawframes=True)
    for kind in ('videos', 'rawframes'):
        options = ['--rawframes'] * (kind == 'rawframes')
        if kind == 'rawframes':
            save_as_on_windows(tmp_path / 'annotations')
            if name == 'charades':
                options += ['--fps', 25]
        out = prepare_lists(name, tmp_path, *options)
        info = CATALOG[name]
        assert len(out) == 2 * max(1, len(info.splits)) + ('full' in info.parts)
        for part, lines in LISTS[name].items():
            path = tmp_path / f'{name}_{part}_list_{kind}.txt'
            if kind == 'rawframes':
                lines = of_frames(name, part, lines)
            assert read_lines(path) == lines
            assert any(x.startswith(f'{path}: ') for x in out)
    assert not [x for x in os.listdir(tmp_path) if 'missing' in x]


def test_remarks(tmp_path):
    write_official('charades', tmp_path)
    out = prepare_lists('charades', tmp_path)
    assert out[0].endswith(
        ': 5 segments of 4 videos; 0 missing on disk; 2 '
        'left out, empty or behind the end'
    )
    assert out[1].endswith(
        ': 5 videos; 0 missing on disk; 1 without action, kept as negatives'
    )
    write_official('activitynet', tmp_path / 'a', rawframes=True)
    for options, short in (
        ([], 'shorter than 8 s'),
        (['--rawframes'], 'fewer than 8 frames'),
        (['--rawframes', '--fps', 1], 'than 8 frames'),
    ):
        train, val, full = prepare_lists('activitynet', tmp_path / 'a', *options)
        assert (
            ': 9 segments of 4 videos; 0 missing on disk; 1 left out, '
            'empty or behind the end; 1 left out, ' in train
        )
        assert train.endswith(short)
        assert val.endswith(
            ': 4 videos; 0 missing on disk; 1 of several classes, of which '
            'the first is taken; 1 left out, without annotation'
        )
        assert ': 8 videos; 0 missing on disk; 1 of several' in full


@pytest.mark.parametrize('kind', ['videos', 'rawframes'])
def test_kinetics600(kind, tmp_path):
    write_official('kinetics600', tmp_path, rawframes=kind == 'rawframes')
    options = ['--rawframes'] * (kind == 'rawframes')
    out = prepare_lists('kinetics600', tmp_path, *options)
    assert out[0].endswith('4 videos; 600 missing on disk')
    assert out[2] == f'{tmp_path}/class_names.txt: 600 classes'
    names = read_lines(tmp_path, 'class_names.txt')
    assert names == kinetics600_class_names() == sorted(set(names))
    list_name = f'kinetics600_val_list_{kind}'
    label = names.index('backflip (human)')
    stem = 'backflip_(human)/val-_video1_000007_000017'
    line = f'{stem}.mp4 {label}' if kind == 'videos' else f'{stem} 24 {label}'
    assert read_lines(tmp_path, f'{list_name}.txt')[1] == line
    missing = read_lines(tmp_path, f'{list_name}_missing.txt')
    assert len(missing) == 600 and missing[0] == 'absent-0000_000003_000013'

    # the classes of the three zero-shot splits, from the test part
    out = prepare_lists('kinetics600_zeroshot', tmp_path, *options)
    assert len(out) == 3 and all(
        x.endswith('4 videos; 160 missing on disk; 440 left out, of other classes')
        for x in out
    )
    for split in (1, 2, 3):
        list_name = f'kinetics600_zeroshot_test_split{split}_list_{kind}.txt'
        own = load_class_names(f'kinetics600_zeroshot_split{split}')
        lines = read_lines(tmp_path, list_name)
        assert lines[1] == line.replace(
            f' {label}', f' {own.index("backflip (human)")}'
        ).replace('val-_', 'test-_')


def test_another_number_of_classes(tmp_path):
    write_text(
        f'{tmp_path}/train.csv',
        'label,youtube_id,time_start,time_end',
        'abseiling,x,1,2',
    )
    assert refusal('data/prepare', 'kinetics600', '--annotations', tmp_path) == (
        f"prepare: error: '{tmp_path}/train.csv' names 1 classes, "
        'expected 600 of kinetics600'
    )


def test_default_root_and_chosen_splits(tmp_path, monkeypatch):
    root = tmp_path / 'data' / 'hmdb51'
    folder = write_official('hmdb51', root)
    monkeypatch.chdir(tmp_path)
    status, out = outcome(
        'data/prepare',
        'hmdb51',
        '--annotations',
        f'{folder}/testTrainMulti_7030_splits',
        '--splits',
        3,
        1,
    )
    assert status == 0
    assert [line.split(':')[0] for line in out.splitlines()] == [
        f'data/hmdb51/hmdb51_{part}_split{split}_list_videos.txt'
        for split in (3, 1)
        for part in ('train', 'val')
    ]


def test_wrong_options(tmp_path):
    options = ['--annotations', tmp_path]
    assert refusal('data/prepare', 'ucf', *options).startswith(
        "prepare: error: dataset 'ucf' is unknown; choose from ('kinetics400',"
    )
    assert 'splits of ucf101 are (1, 2, 3)' in refusal(
        'data/prepare', 'ucf101', *options, '--splits', 4
    )
    assert 'are not numbered' in refusal(
        'data/prepare', 'charades', *options, '--splits', 1
    )
    assert "--fps: '0' is not a number above 0" in refusal(
        'data/prepare', 'charades', *options, '--fps', 0
    )
    for args in (['charades'], ['ucf101', '--rawframes']):
        assert (
            '--fps needs --rawframes and segments, which are in the lists'
            ' of activitynet, charades'
            in refusal('data/prepare', *args, *options, '--fps', 12)
        )


def test_command_line(tmp_path):
    folder = write_official('ucf101', tmp_path)
    printed = run_well(
        *(sys.executable, 'tools/data/prepare.py', 'ucf101'),
        *('--annotations', folder, '--data-root', tmp_path, '--splits', 1),
    )
    assert 'val_split1' in printed


def test_all_videos_need_the_files_of_all_splits(tmp_path):
    """But not who asks for some."""
    folder = write_official('ucf101', tmp_path)
    os.remove(f'{folder}/trainlist03.txt')
    options = ['--annotations', folder, '--data-root', tmp_path]
    assert 'trainlist03.txt' in refusal('data/prepare', 'ucf101', *options)
    status, out = outcome('data/prepare', 'ucf101', *options, '--splits', 1, 2)
    assert status == 0 and 'full' not in out
