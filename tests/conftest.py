import os
import sys

import pytest
import torch

os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')  # the same everywhere
sys.path.insert(0, os.path.dirname(__file__))

from helpers import run_tool, write_dataset, write_video  # noqa: E402
from mmaction.utils import register_all_modules  # noqa: E402
from official import write_official  # noqa: E402

import bike_mmaction  # noqa: E402,F401


@pytest.fixture(autouse=True)
def toolbox():
    """Components are found by name, and chance is the same in every test."""
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
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
    monkeypatch.setenv('PYTHONPATH', root)
    return root


def prepare(name, root):
    """Official files of a data set, and the lists made of them."""
    folder = write_official(name, root, rawframes=True)
    names = [name]
    if name == 'kinetics600':
        names.append('kinetics600_zeroshot')
    for name in names:
        for kind in ([], ['--rawframes', '--fps', 25]):
            run_tool('data/prepare', name, '--annotations', folder,
                     '--data-root', root, *kind)
    return str(root)
