"""Which models `bike web` has."""

import argparse
import json

import pytest

from bike_mmaction.cli import web
from bike_mmaction.cli.web_models import choose_models, is_same, model_of_index
from bike_mmaction.shipped import DEFAULT_CONFIG, find_config


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two data folders with models, one without, and an index of the first."""
    monkeypatch.chdir(tmp_path)
    for name in ('mine', 'yours', 'other/mine'):
        (tmp_path / name / 'model').mkdir(parents=True)
        for file in ('config.py', 'model.pth'):
            (tmp_path / name / 'model' / file).touch()
    (tmp_path / 'new').mkdir()
    for file in ('new/config.py', 'a.pth', 'b.pth'):
        (tmp_path / file).touch()
    (tmp_path / 'index').mkdir()
    about = dict(
        format=1,
        config=str(tmp_path / 'mine' / 'model' / 'config.py'),
        checkpoint=dict(file=str(tmp_path / 'mine' / 'model' / 'model.pth')),
    )
    (tmp_path / 'index' / 'about.json').write_text(json.dumps(about))
    return tmp_path


def choose(command, about=None):
    """Names of the models, with the last parts of config and checkpoint."""
    parser = web.parser('web')
    models = choose_models(parser, parser.parse_args(command.split()), about)
    return {
        name: (m.config.rpartition('/')[2], m.checkpoint.rpartition('/')[2])
        for name, m in models.items()
    }


def test_models_and_their_names(folder):
    wrong = {}
    trained, shipped = ('config.py', 'model.pth'), find_config(DEFAULT_CONFIG)
    default = shipped.rpartition('/')[2], 'pretrained'
    for command, models in {
        '': {DEFAULT_CONFIG: default},
        '--checkpoint a.pth': {DEFAULT_CONFIG: (default[0], 'a.pth')},
        '--config mine': {'mine': trained},
        '--config mine/model/config.py --checkpoint a.pth': {
            'mine': ('config.py', 'a.pth')
        },
        '--config mine --config yours': {'mine': trained, 'yours': trained},
        '--config mine --config other/mine': {'mine': trained, 'other/mine': trained},
        f'--config new/ --config {shipped} --checkpoint pretrained '
        '--checkpoint a.pth': {
            'new': ('config.py', 'pretrained'),
            DEFAULT_CONFIG: (default[0], 'a.pth'),
        },
        '--config new --config new --checkpoint a.pth --checkpoint b.pth': {
            f'new, {name}': ('config.py', name) for name in ('a.pth', 'b.pth')
        },
    }.items():
        if choose(command) != models:
            wrong[command] = choose(command)
    assert not wrong


def test_models_that_are_refused(folder, capsys):
    with pytest.raises(SystemExit):
        choose('--config mine --config yours --checkpoint a.pth')
    message = 'there are 1 --checkpoint for 2 --config: give one for each'
    assert message in capsys.readouterr().err
    with pytest.raises(ValueError, match='a --config is given twice'):
        choose('--config new --config new')
    with pytest.raises(FileNotFoundError, match="'mine2' is neither a config file"):
        choose('--config mine --config mine2')


def test_model_of_an_index(folder):
    about = json.loads((folder / 'index' / 'about.json').read_text())
    assert choose('--index index', about) == {'mine': ('config.py', 'model.pth')}
    parser = web.parser('web')
    args = parser.parse_args('--index index --config yours --config mine'.split())
    model = model_of_index(args, about)
    yours, mine = choose_models(parser, args, about).values()
    assert is_same(model, mine) and not is_same(model, yours)
    assert isinstance(model, argparse.Namespace) and args.config == ['yours', 'mine']
    # Where its config is gone, the first that is named stands in for it.
    about['config'] = str(folder / 'gone.py')
    assert is_same(model_of_index(args, about), yours)
    with pytest.raises(FileNotFoundError, match='name it, --config FILE'):
        model_of_index(parser.parse_args(['--index', 'index']), about)
