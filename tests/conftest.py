import os
import shutil
import subprocess
import sys

import pytest
import torch

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')  # the same everywhere

from mmaction.utils import register_all_modules
from mmengine.logging import MMLogger

import bike_mmaction  # noqa: F401
from bike_mmaction.datasets.catalog import CATALOG
from tests.kit import ROOT
from tests.kit.lists import write_dataset
from tests.kit.official import frame_rate, write_official
from tests.kit.tools import run_tool
from tests.kit.videos import write_video


@pytest.fixture(autouse=True)
def toolbox():
    """Components are found by name, chance is the same in every test, and no
    log is left: web servers close the files of all logs there are."""
    MMLogger._instance_dict.clear()
    register_all_modules()
    torch.manual_seed(0)


@pytest.fixture(scope='session')
def data_root(tmp_path_factory):
    """Five videos and their frames, where the K400 configs look."""
    return write_dataset(tmp_path_factory.mktemp('kinetics400'))


@pytest.fixture(scope='session')
def roots(tmp_path_factory):
    """Prepared data roots, by the ``data_root`` of the configs."""
    made = {}

    def get(data_root):
        if data_root not in made:
            name = os.path.basename(data_root)
            made[data_root] = prepare(name, tmp_path_factory.mktemp(name))
        return made[data_root]

    return get


@pytest.fixture(scope='session')
def video(tmp_path_factory):
    """A H.264 file of 24 frames."""
    return write_video(tmp_path_factory.mktemp('video') / 'clip.mp4')


@pytest.fixture
def repository(monkeypatch):
    """Root folder of the repository; subprocesses import from it."""
    monkeypatch.setenv('PYTHONPATH', ROOT)
    return ROOT


@pytest.fixture(scope='session')
def source(tmp_path_factory):
    """A copy of the project's files."""
    copy = tmp_path_factory.mktemp('source')
    for name in ('bike_mmaction', 'configs', 'tools'):
        shutil.copytree(
            os.path.join(ROOT, name),
            copy / name,
            ignore=shutil.ignore_patterns('__pycache__', 'work_dirs'),
        )
    for name in ('setup.py', 'pyproject.toml'):
        shutil.copy(os.path.join(ROOT, name), copy)
    return copy


@pytest.fixture(scope='session')
def site(source, tmp_path_factory):
    """A folder into which pip has installed the project, offline."""
    folder = tmp_path_factory.mktemp('site')
    options = '--no-deps --no-index --no-build-isolation --target'.split()
    call(sys.executable, '-m', 'pip', 'install', *options, folder, source)
    return folder


@pytest.fixture(scope='session')
def away(site, tmp_path_factory):
    """Runs programs away from the source, with what pip installed there."""
    folder = tmp_path_factory.mktemp('away')
    env = dict(
        os.environ,
        PYTHONPATH=str(site),
        PYTHONDONTWRITEBYTECODE='1',
        MPLBACKEND='Agg',
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH'],
    )
    return lambda *args, cwd=folder: call(*args, cwd=str(cwd), env=env)


def call(*args, **kwargs):
    """Run a program to its end and return what it prints."""
    done = subprocess.run(
        [str(arg) for arg in args], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def prepare(name, root):
    """Official files of a data set, and the lists made of them."""
    folder = write_official(name, root, rawframes=True)
    names = [name]
    if name == 'kinetics600':
        names.append('kinetics600_zeroshot')
    for name in names:
        rate = ['--fps', frame_rate(name)] if CATALOG[name].segments else []
        for kind in ([], ['--rawframes', *rate]):
            run_tool(
                'data/prepare',
                name,
                '--annotations',
                folder,
                '--data-root',
                root,
                *kind,
            )
    return str(root)
