"""Remedies are declared, applied once where they should be, and listed."""

import os
import subprocess
import sys
import types
from importlib.metadata import version

import pytest

from bike_mmaction.compat import registry, remedies
from bike_mmaction.compat.__main__ import COLUMNS, table

NUMPY = version('numpy')


@pytest.fixture
def calls(monkeypatch):
    """Names of the applied remedies, of which there are none at first."""
    monkeypatch.setattr(registry, '_DECLARED', {})
    monkeypatch.delenv(registry.SWITCH, raising=False)
    return []


def declare(calls, name, package='numpy', versions='>=1', reason=None, **kwargs):
    def apply():
        calls.append(name)
        return reason

    apply.__name__ = name
    registry.remedy(package, versions, f'{name} is wrong', **kwargs)(apply)


def outcomes():
    return [one.outcome for one in registry.remedies()]


def test_only_for_the_versions_declared(calls):
    declare(calls, 'fits', versions=f'<={NUMPY}')
    declare(calls, 'older', versions=f'<{NUMPY}')
    declare(calls, 'absent', package='no-such-package')
    registry.apply_remedies()
    assert calls == ['fits']
    assert outcomes() == [
        'applied',
        f'not for numpy {NUMPY}',
        'no-such-package is not installed',
    ]


def test_applied_once(calls):
    declare(calls, 'fits')
    declare(calls, 'needless', reason='its folder is there')
    registry.apply_remedies()
    declare(calls, 'later')
    registry.apply_remedies()
    assert calls.count('fits') == calls.count('later') == 1
    assert outcomes() == ['applied', 'its folder is there', 'applied']


def test_switch(calls, monkeypatch):
    for name in 'abc':
        declare(calls, name)
    declare(calls, 'of_import', for_import=True)
    monkeypatch.setenv(registry.SWITCH, ' a,b ')
    registry.apply_remedies()
    assert calls == ['of_import', 'c']  # that first
    assert outcomes() == ['applied', *['switched off by BIKE_NO_REMEDY'] * 2, 'applied']


def test_switch_for_all_leaves_the_import_working(calls, monkeypatch):
    declare(calls, 'a')
    declare(calls, 'of_import', for_import=True)
    declare(calls, 'other_of_import', for_import=True)
    monkeypatch.setenv(registry.SWITCH, 'all,other_of_import')
    registry.apply_remedies()
    assert calls == ['of_import']


def test_unknown_name_is_told_with_those_there_are(calls, monkeypatch):
    declare(calls, 'a')
    declare(calls, 'b')
    monkeypatch.setenv(registry.SWITCH, 'a,wrong')
    with pytest.warns(UserWarning, match=r'names wrong, .* are: a, b \(or all\)'):
        registry.apply_remedies()
    assert calls == ['b']


def test_replaced_once():
    owner = types.SimpleNamespace(f=lambda: 1)
    for _ in range(2):
        registry.replace(owner, 'f', lambda original: lambda: original() + 1)
    assert owner.f() == 2 and owner.f.__wrapped__() == 1


def test_listed(calls):
    declare(calls, 'fits', versions='<=1.2.0')
    head, row = table(registry.remedies()).splitlines()
    assert head.split('  ')[0].strip() == COLUMNS[0]
    assert row.split() == 'fits numpy <=1.2.0 not applied yet fits is wrong'.split()
    assert [str(one) for one in registry.remedies()] == [
        'fits for numpy<=1.2.0: not applied yet (without it: fits is wrong)'
    ]


def test_no_one_is_in_vain():
    """Every remedy is applied here, or says why it is not."""
    needless = ('installed', 'this transformers fits', 'its folder is there')
    for one in remedies():
        is_newer = one.package == 'av' and one.outcome.startswith('not for av')
        assert one.outcome == 'applied' or one.outcome.endswith(needless) or is_newer
        assert one.apply.__doc__, one


SWITCHED_OFF = """
import bike_mmaction
from mmaction.datasets.transforms import ColorJitter
from mmengine.dataset import Compose

try:
    Compose([lambda data: 1 / 0])(dict(filename='a.mp4'))
except ZeroDivisionError:
    print('fault of mmengine')
if hasattr(ColorJitter.adjust_hue, '__wrapped__'):
    print('remedy of mmaction2')
"""


def test_of_a_whole_process():
    """Without a remedy its fault is back; of the dependencies none warns."""
    env = {**os.environ, registry.SWITCH: 'name_file_in_pipeline_errors,silence'}
    args = [sys.executable, '-c', SWITCHED_OFF]
    done = subprocess.run(args, env=env, capture_output=True, text=True)
    assert done.stdout.splitlines() == ['fault of mmengine', 'remedy of mmaction2']
    assert 'Warning: BIKE_NO_REMEDY names silence, but' in done.stderr
    assert done.stderr.count('Warning') == 1
