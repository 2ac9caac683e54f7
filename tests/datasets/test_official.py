"""Malformed official files, and the class names in them."""

import pytest

from bike_mmaction.datasets.class_labels import ClassLabels
from tests.kit.checks import collected
from tests.kit.lists import write_text
from tests.kit.official import write_official
from tests.kit.tools import refusal

CSV = 'label,youtube_id,time_start,time_end'


MALFORMED = [
    (
        'ucf101',
        'classInd.txt',
        ['1 ApplyEyeMakeup', '2'],
        "line 2: expected a line such as '1 Apply",
    ),
    (
        'ucf101',
        'classInd.txt',
        ['1 Dancing'],
        "class 'Dancing' is none of the 101 expected ones, such as 'ApplyEye",
    ),
    (
        'ucf101',
        'classInd.txt',
        ['1 ApplyEyeMakeup'],
        "100 of 101 classes are not there, such as 'ApplyLipstick'",
    ),
    (
        'ucf101',
        'trainlist01.txt',
        ['YoYo/a.avi 101', 'YoYo/b.avi'],
        "line 2: expected a line such as 'ApplyEyeMakeup/v_x_g01_c01.avi 1'",
    ),
    (
        'ucf101',
        'trainlist01.txt',
        ['YoYo/a.avi 7'],
        'line 1: in classInd.txt number 7 is ',
    ),
    ('ucf101', 'testlist01.txt', ['a.avi'], "line 1: class '' is none of"),
    (
        'hmdb51',
        'wave_test_split1.txt',
        ['a.avi 3'],
        "line 1: expected 0, 1 or 2 behind the video, got '3'",
    ),
    ('hmdb51', 'dance_test_split1.txt', [], "class 'dance' is none of the 51"),
    (
        'activitynet',
        'activity_net.v1-3.min.json',
        ['{"videos": []}'],
        "expected {'database': {id: {'subset'",
    ),
    ('activitynet', 'activity_net.v1-3.min.json', ['{'], 'line 2 is not JSON'),
    (
        'activitynet',
        'activity_net.v1-3.min.json',
        [
            '{"database": {"Q": {"subset": "training", "annotations": '
            '[{"label": "Dancing", "segment": [1, 2]}], "duration": 9}}}'
        ],
        "' video Q: class 'Dancing' is none of the 200",
    ),
    (
        'charades',
        'Charades_v1_train.csv',
        ['id,script,length'],
        'line 1: the header has no column actions; expected a csv with id,act',
    ),
    (
        'charades',
        'Charades_v1_train.csv',
        ['id,actions,length', 'A,c200 1 2,3'],
        'line 2: expected actions such',
    ),
    (
        'charades',
        'Charades_v1_train.csv',
        ['id,actions,length', 'A,c001 1 2,x'],
        "line 2: length='x' is no numb",
    ),
    (
        'charades',
        'Charades_v1_train.csv',
        ['id,actions,length', 'A,c001 1 1.2.3,9'],
        "line 2: time='1.2.3' is no",
    ),
    (
        'charades',
        'Charades_v1_train.csv',
        ['id,actions,length', 'A'],
        'line 2: no actions, the line ends before',
    ),
    (
        'kinetics400',
        'kinetics_400_train.csv',
        [CSV, 'dancing,x,1,2'],
        "line 2: class 'dancing' is none of the 400",
    ),
    (
        'kinetics400',
        'kinetics_400_train.csv',
        [CSV, 'abseiling,x,nan,2'],
        "line 2: time_start='nan' is no number",
    ),
    (
        'kinetics400',
        'train.csv',
        [CSV],
        "has several files '*train*.csv', expected one: kinetics_400_train.csv, "
        'train.csv',
    ),
    (
        'kinetics600_zeroshot',
        'test.csv',
        [CSV, 'arguing,x,1,2'],
        '159 of 160 classes are not there',
    ),
    (
        'kinetics600_zeroshot',
        'test.csv',
        [CSV[6:], 'x,1,2'],
        'line 1: the header has no column label; expected a csv with label,you',
    ),
    (
        'activitynet',
        'activity_net.v1-3.min.json',
        [
            '{"database": {"Q": {"subset": "training", "annotations": '
            '[{"label": "Archery", "segment": [1]}], "duration": 9}}}'
        ],
        "'annotations': [{'label', 'segment'}]",
    ),
]


def test_malformed_official_files(tmp_path):
    with collected() as check:
        for number, (name, file, lines, expected) in enumerate(MALFORMED):
            case = tmp_path / str(number)
            case.mkdir()
            with check((name, file, lines, expected)):
                write_official(name, case)
                folder = case / 'annotations'
                if name == 'hmdb51':
                    folder /= 'testTrainMulti_7030_splits'
                write_text(f'{folder}/{file}', *lines)
                message = refusal(
                    'data/prepare',
                    name,
                    '--annotations',
                    case / 'annotations',
                    '--data-root',
                    case,
                )
                assert message.startswith('prepare: error: ') and expected in message
                assert str(folder) in message
                if 'several' not in expected and 'dance' not in file:
                    assert f'{folder}/{file}' in message


def test_absent_official_files(tmp_path):
    for name, expected in dict(
        ucf101='classInd.txt',
        hmdb51='51 of 51 classes are not there',
        activitynet='activity_net.v1-3.min.json',
        charades='Charades_v1_train.csv',
        kinetics400="no csv of Kinetics, such as 'train.csv'",
    ).items():
        message = refusal('data/prepare', name, '--annotations', tmp_path)
        assert expected in message and str(tmp_path) in message


def test_class_names_are_found_whatever_their_punctuation():
    labels = ClassLabels(['brush hair', "person's head (in game)"])
    for name in ('brush_hair', 'BrushHair', 'brush-hair'):
        assert labels.find(name, 'x') == 0
    assert labels.find('Persons_Head_in_game', 'x') == 1
    with pytest.raises(ValueError, match="'a b' and 'A_B' are too much alik"):
        ClassLabels(['a b', 'c', 'A_B'])
