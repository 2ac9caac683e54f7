"""Metafiles of another form, and fields that stand once for several models."""

import pytest
import yaml

from bike_mmaction.reproduction import read_index
from tests.kit.checks import collected

OTHER_FORMS = [
    ('- a', "has no 'Models'"),
    ('Models: 3', "'Models' must be a list"),
    ('Models: [{Name: a}]', "each has ['Config', 'Name', 'Results']"),
    ('Models: [', 'is not YAML'),
]
MODEL = dict(Name='a', Config='configs/a.py', Results=[{}])


def write(folder, content):
    """A metafile, beside the config of its model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'a.py').touch()
    path = folder / 'metafile.yml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def test_another_form_is_refused(tmp_path):
    with collected() as check:
        for content, message in OTHER_FORMS:
            path = write(tmp_path, content)
            with check(content), pytest.raises(ValueError) as refused:
                read_index(path)
            with check(f'message of {content}'):
                assert path in str(refused.value) and message in str(refused.value)


def test_a_model_has_the_fields_of_its_collection(tmp_path):
    path = write(
        tmp_path / 'configs',
        {
            'Data Root': 'elsewhere',
            'Collections': [dict(Name='c', Metadata=dict(Frames=8, Epochs=30))],
            'Models': [
                {**MODEL, 'In Collection': 'c', 'Metadata': dict(Epochs=20)},
                {**MODEL, 'Name': 'b'},
            ],
        },
    )
    index = read_index(path)
    assert index.entries['a']['Metadata'] == {
        'Data Root': 'elsewhere',
        'Frames': 8,
        'Epochs': 20,
    }
    assert index.data_root('b') == 'elsewhere' and index.prepared_by('b') == ''
    assert index.configs['a'] == str(tmp_path / 'configs' / 'a.py')


def test_a_folder_has_the_metafiles_of_its_folders(tmp_path):
    write(tmp_path / 'configs', dict(Models=[MODEL]))
    sub = {**MODEL, 'Name': 'sub', 'Config': 'configs/z/a.py'}
    write(tmp_path / 'configs' / 'z', dict(Models=[sub]))
    index = read_index(str(tmp_path / 'configs'))
    assert list(index.entries) == ['a', 'sub']
    assert index.configs['sub'] == str(tmp_path / 'configs' / 'z' / 'a.py')
    again = write(tmp_path / 'configs' / 'y', dict(Models=[MODEL]))
    with pytest.raises(ValueError, match=f"'{again}': another model is called a"):
        read_index(str(tmp_path / 'configs'))


def test_config_that_is_nowhere(tmp_path):
    path = write(tmp_path, dict(Models=[{**MODEL, 'Config': 'configs/gone.py'}]))
    with pytest.raises(ValueError, match="no folder above has 'configs/gone.py'"):
        read_index(path)
