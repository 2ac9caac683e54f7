"""Which versions of the dependencies are accepted, refused and warned of."""

import multiprocessing
import warnings

import pytest

from bike_mmaction.compat import versions
from bike_mmaction.version import DEPENDENCIES, MMCV


@pytest.fixture
def installed(monkeypatch):
    """Pretend versions; None stands for a package that is absent."""
    pretended = {name: low for name, (low, _) in DEPENDENCIES.items()}
    pretended.update({'mmcv-lite': '2.1.0', 'mmcv': None})

    def version(name):
        if pretended[name] is None:
            raise versions.PackageNotFoundError(name)
        return pretended[name]

    monkeypatch.setattr(versions, 'version', version)
    return pretended


@pytest.mark.parametrize(
    'changes',
    [
        {'torch': '2.12.1+cpu'},
        {'torch': '2.15.9'},
        {'mmcv-lite': None, 'mmcv': '2.0.1'},
        {'mmcv': '2.1.0'},
        {'mmcv-lite': '2.0.0'},
    ],
)
def test_accepts(installed, changes):
    installed.update(changes)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        versions.check_versions()


@pytest.mark.parametrize(
    'name, number',
    [
        ('torch', '2.1.1'),
        ('numpy', '1.25.2'),
        ('mmengine', '0.11.0'),
        ('mmaction2', '1.3.0'),
        ('mmcv-lite', '2.2.0'),
        ('mmcv', '2.2.0'),
    ],
)
def test_refuses(installed, name, number):
    installed[name] = number
    low, high = {**DEPENDENCIES, **MMCV}[name]
    with pytest.raises(ImportError) as error:
        versions.check_versions()
    assert f'{name} {number} is installed' in str(error.value)
    assert f'pip install "{name}>={low},<{high}"' in str(error.value)


@pytest.mark.parametrize('name', ['torch', 'mmcv-lite'])
def test_names_what_is_absent(installed, name):
    installed[name] = None
    with pytest.raises(ImportError, match=f'{name}>=.* which is not installed'):
        versions.check_versions()


NEWER = {
    'torch': '2.16.0rc1',
    'torchvision': '0.30.0+cu140',
    'numpy': '3.0.0',
    'open_clip_torch': '4.1',
}


def test_warns_once_of_all_that_are_newer(installed):
    installed.update(NEWER)
    with pytest.warns(UserWarning, match='tested with torch>=2.1.2,<2.16, ') as warned:
        versions.check_versions()
    (message,) = (str(w.message) for w in warned)
    for name, number in NEWER.items():
        low, high = DEPENDENCIES[name]
        assert f'{name}>={low},<{high}' in message and f'{name} {number}' in message


def test_warning_is_silenced_as_it_says(installed):
    """``PYTHONWARNINGS`` takes the beginning of a message."""
    installed.update(NEWER)
    with pytest.warns(UserWarning) as warned:
        versions.check_versions()
    text = str(warned[0].message)
    start = text.split("PYTHONWARNINGS='ignore:")[1].rstrip("'")
    assert text.startswith(start)


def test_other_ranks_and_workers_are_silent(installed, monkeypatch):
    installed.update(NEWER)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        monkeypatch.setenv('RANK', '1')
        versions.check_versions()
        monkeypatch.setenv('RANK', '0')
        monkeypatch.setattr(multiprocessing, 'parent_process', lambda: 'a process')
        versions.check_versions()
