"""The plan: which rows can be run, which are done, what the others lack."""

import os

import pytest
from mmengine.config import Config

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.reproduction import TABLES, Planner, Settings, rows_of
from tests.kit.checks import collected
from tests.kit.reproduction import ATTRIBUTES, VIDEO, reproduce, shipped, touch


def check_plan(table, printed):
    """What is missing is named, with the command that makes it."""
    index = shipped()
    rows = rows_of(index, table)
    assert f'{len(rows)} with something missing' in printed
    for row in rows:
        assert f' {row.name} ' in printed
        cfg = Config.fromfile(index.configs[row.name])
        assert f"list '{own_dataset(cfg, 'test')['ann_file']}'" in printed
    assert (
        '-> bash tools/demo.sh'
        if table == 'demo'
        else '-> bike prepare kinetics400 --annotations '
    ) in printed


def test_plan_with_nothing_at_hand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with collected() as check:
        for table in TABLES:
            with check(table):
                assert reproduce(table, '--plan') == 0
                check_plan(table, capsys.readouterr().out)
                assert not os.listdir(tmp_path)  # a plan writes nothing


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """Lists and folders of Kinetics-400 and HMDB-51, that are empty."""
    monkeypatch.chdir(tmp_path)
    for name in (VIDEO, 'bike_vitl14_16f_hmdb51_split1'):
        cfg = Config.fromfile(shipped().configs[name])
        for split in ('train', 'val'):
            dataset = own_dataset(cfg, split)
            touch(dataset['ann_file'])
            os.makedirs(dataset['data_prefix']['video'], exist_ok=True)
    return tmp_path


def states(printed):
    """State by row, of the lines of a plan."""
    lines = [line.split() for line in printed.splitlines()]
    return {
        line[1]: ' '.join(line) for line in lines if len(line) > 4 and line[0].isdigit()
    }


def test_plan_with_lists_only(lists, capsys):
    """Then everything is trained; what others start from comes first."""
    assert reproduce('general', '--plan', '--gpus', 8) == 0
    printed = capsys.readouterr().out
    state_of = states(printed)
    assert state_of['bike_vitl14_k400'].endswith('13.9 h, 32 GPUs 18.6 GB train')
    assert state_of['bike_vitl14_16f_hmdb51_split1'].endswith(
        'not known 18.6 GB train, after bike_vitl14_16f_k400'
    )
    assert 'missing' in state_of['bike_vitl14_16f_activitynet']
    # The attributes are of the first stage's videos, and are not there.
    assert 'missing' in state_of[ATTRIBUTES]
    assert "Hours of the authors' trainings: 137.7 in all, of 3 not known" in printed
    assert "'openai' of ViT-L-14-quickgelu" in printed


def test_plan_with_checkpoints(lists, capsys):
    """From a folder, by name, and of a model that others start from."""
    touch('own/bike_vitl14_16f_k400.pth')
    epochs = Config.fromfile(shipped().configs['bike_vitb16_k400']).train_cfg.max_epochs
    touch(f'own/bike_vitb16_k400/epoch_{epochs}.pth')
    touch('other.pth')
    args = [
        'general',
        '--plan',
        '--rows',
        'bike_vitl14_16f_k400',
        'bike_vitb16_k400',
        'bike_vitl14_k400',
        'bike_vitl14_16f_hmdb51_split1',
        '--checkpoints',
        'own',
        'bike_vitl14_k400=other.pth',
    ]
    reproduce(*args)
    state_of = states(capsys.readouterr().out)
    for name in ('bike_vitl14_16f_k400', 'bike_vitb16_k400', 'bike_vitl14_k400'):
        assert state_of[name].endswith(' test only')
    assert state_of['bike_vitl14_16f_hmdb51_split1'].endswith(' train')
    reproduce(*args, '--train')
    state_of = states(capsys.readouterr().out)
    assert state_of['bike_vitl14_k400'].endswith(' train')


REFUSED = [
    (['table-1'], 'invalid choice'),
    (['general', '--rows', 'bike_vitl14'], "has no row 'bike_vitl14'"),
    (['general', '--checkpoints', 'none'], "'none' is neither a folder nor"),
    (['general', '--checkpoints', 'a=b.pth'], "'a' is no model of"),
    (['general', '--checkpoints', f'{VIDEO}=b.pth'], "'b.pth' does not exist"),
    (['general', '--data-root', 'none'], "'none' is no folder"),
    (['general', '--gpus', '0'], "'0' is not a whole number from 1"),
    (['general', '--index', 'none.yml'], "'none.yml'"),
    (['general', '--cfg-options', 'clip_len=4'], 'would have no effect'),
]


def test_what_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with collected() as check:
        for args, message in REFUSED:
            code = reproduce(*args)
            said = capsys.readouterr().err if code == 2 else str(code)
            with check(' '.join(args)):
                assert message in said
                assert not os.listdir(tmp_path)


def test_batch_is_the_authors_with_any_number_of_gpus(lists):
    index = shipped()
    rows = [r for r in rows_of(index, 'general') if r.name == ATTRIBUTES]
    for given, gpus, batch in (
        ({}, 4, 64),
        ({}, 3, 32),
        ({'train_dataloader.batch_size': 8}, 4, 8),
    ):
        (row,) = Planner(
            index, rows, Settings('w', gpus=gpus, cfg_options=given)
        ).plan()
        for training in row.weights.trainings:
            assert training.config.train_dataloader.batch_size == batch
