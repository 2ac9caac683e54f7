"""The project as others install it, and its lists of versions."""

import json
import os
import os.path as osp
import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from bike_mmaction.version import DEPENDENCIES, MAY_BE_NEWER, MMCV, __version__
from tests.kit import ROOT


def files_in(folder):
    """Paths below a folder, without what Python leaves there."""
    return {
        osp.relpath(osp.join(here, name), folder)
        for here, _, names in os.walk(folder)
        for name in names
        if '__pycache__' not in here
    }


def pins(name):
    """``{distribution: version}`` of a file of pins."""
    with open(osp.join(ROOT, 'requirements', f'{name}.txt')) as file:
        return dict(re.findall(r'^([\w-]+)==(\S+)$', file.read(), re.M))


@pytest.mark.parametrize('name', ['pins', 'oldest', 'newest'])
def test_pins_lie_in_the_ranges(name):
    pinned = pins(name)
    ranges = {**DEPENDENCIES, 'mmcv-lite': MMCV['mmcv-lite']}
    for package, bounds in ranges.items():
        wanted = Requirement('{}>={},<{}'.format(package, *bounds))
        assert pinned[package] in wanted.specifier, package


def test_lower_bounds_are_the_oldest_pins():
    bounds = {**DEPENDENCIES, 'mmcv-lite': MMCV['mmcv-lite']}
    oldest = pins('oldest')
    assert {k: oldest[k] for k in bounds} == {k: low for k, (low, _) in bounds.items()}


def test_extra_of_mmcv_has_its_range():
    with open(osp.join(ROOT, 'pyproject.toml')) as file:
        (lite,) = re.findall(r'^lite = \["(.+)"\]$', file.read(), re.M)
    assert lite == 'mmcv-lite>={},<{}'.format(*MMCV['mmcv-lite'])


@pytest.mark.slow
class TestInstalled:
    """The wheel that is made of the source distribution alone."""

    @pytest.fixture
    def python(self, away):
        """Runs Python away from the source, with what pip installed."""
        return lambda *args: away(sys.executable, *args)

    def test_holds_all_files(self, source, site):
        package = site / 'bike_mmaction'
        expected = files_in(source / 'bike_mmaction')
        for name in ('configs', 'tools'):
            expected |= {
                osp.join('.mim', name, path) for path in files_in(source / name)
            }
        expected.add(osp.join('.mim', 'model-index.yml'))
        assert files_in(package) == expected

    def test_distributions_fit_for_pypi(self, built):
        files = sorted(built.iterdir())
        assert [file.suffix for file in files] == ['.whl', '.gz']
        twine = [sys.executable, '-m', 'twine', 'check', '--strict', *map(str, files)]
        checked = subprocess.run(twine, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout

    def test_leaves_the_source_alone(self, source, site):
        assert not (source / 'bike_mmaction' / '.mim').exists()

    def test_metadata(self, site):
        (installed,) = metadata.distributions(name='bike_mmaction', path=[str(site)])
        assert installed.version == __version__
        required = [Requirement(text) for text in installed.requires]
        plain = {r.name: str(r.specifier) for r in required if not r.marker}
        for package, (low, high) in DEPENDENCIES.items():
            newer = package in MAY_BE_NEWER
            assert plain[package] == (f'>={low}' if newer else f'<{high},>={low}')
        assert not {'mmcv', 'mmcv-lite'} & set(plain)
        assert installed.metadata['License-Expression'] == 'Apache-2.0'

    def test_command(self, away):
        """Pip has written it; the configs are found from an empty folder."""
        assert away('bike', '--version') == f'bike_mmaction {__version__}\n'
        config = away('bike', 'mmaction', 'analysis_tools/print_config', CONFIG)
        assert "type='CLIPRecognizer'" in config

    def test_every_config_loads_from_anywhere(self, away, site, tmp_path):
        """With its bases, class names and recipes, whatever is here."""
        out = away(sys.executable, '-c', ALL_CONFIGS, site, cwd=tmp_path)
        loaded = json.loads(out.splitlines()[-1])
        names = {
            osp.splitext(osp.basename(path))[0]
            for path in files_in(osp.join(ROOT, 'configs'))
            if path.endswith('.py') and not path.startswith('_base_')
        }
        assert set(loaded) == names
        assert not {name: error for name, error in loaded.items() if error}

    def test_registers_and_loads_configs(self, python, site):
        out = python('-c', SHIPPED_CONFIG, site)
        assert out.split() == ['CLIPRecognizer', 'kinetics400', '400']

    def test_own_train_tool(self, python, site):
        tool = site / 'bike_mmaction' / '.mim' / 'tools' / 'train.py'
        assert '--work-dir' in python(tool, '--help')

    def test_train_tool_of_mmaction(self, python, site):
        """It knows nothing of this project but the path of a config."""
        out = python('-c', MMACTION_TRAIN, site, 'work_dir')
        assert out.split() == ['CLIPRecognizer', 'is', 'known']


CONFIG = 'bike_vitl14_k400'  # by its bare name
ALL_CONFIGS = """
import json, os, sys
import bike_mmaction
from bike_mmaction.datasets.class_names import BUILT_IN
from bike_mmaction.shipped import shipped_configs
from mmaction.registry import MODELS
from mmengine.config import Config
assert bike_mmaction.__file__.startswith(sys.argv[1]), bike_mmaction.__file__
assert not os.listdir()

def problem(path):
    try:
        model = Config.fromfile(path).model
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    names = model.get('cls_head', {}).get('class_names')
    known = names in BUILT_IN or not isinstance(names, str)
    known = known or names.startswith(('data/', 'work_dirs/'))  # of the user
    return '' if known and MODELS.get(model.type) else f'{model.type}, {names}'

print(json.dumps({n: problem(path) for n, path in shipped_configs().items()}))
"""
SHIPPED_CONFIG = """
import sys
import bike_mmaction
from bike_mmaction.datasets.class_names import load_class_names
from mmaction.registry import MODELS
from mmengine.config import Config
site = sys.argv[1]
assert bike_mmaction.__file__.startswith(site), bike_mmaction.__file__
cfg = Config.fromfile(
    site + '/bike_mmaction/.mim/configs/bike_vitb32_k400.py')
names = cfg.model.cls_head.class_names
print(MODELS.get(cfg.model.type).__name__, names, len(load_class_names(names)))
"""
MMACTION_TRAIN = """
import os, runpy, sys
from importlib.util import find_spec
from mmengine.runner import Runner

def stop(cfg):
    from mmaction.registry import MODELS
    print(MODELS.get(cfg.model.type).__name__, 'is known')
    sys.exit()

Runner.from_cfg = stop
site, work_dir = sys.argv[1:]
tools = os.path.dirname(find_spec('mmaction').origin) + '/.mim/tools'
sys.argv = ['train.py', '--work-dir', work_dir,
            site + '/bike_mmaction/.mim/configs/bike_vitb32_k400.py']
runpy.run_path(tools + '/train.py', run_name='__main__')
"""
